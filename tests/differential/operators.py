# SPDX-License-Identifier: Apache-2.0
"""Operators and functions that the engines share, and how each writes them.

In: nothing. Out: templates by name, one a dialect; `{0}` is an argument, `{o0}` an option. None: the dialect has it not, or with another
meaning (docs/differences.md says which). A template alone stands for all dialects.
"""

from __future__ import annotations

DIALECTS = ("weir", "duckdb", "sqlite")

_ONE = {
    "add": "({0} + {1})", "subtract": "({0} - {1})", "multiply": "({0} * {1})", "negate": "(- {0})", "abs": "abs({0})",
    "modulo": "({0} % {1})", "bit_and": "({0} & {1})", "bit_or": "({0} | {1})",
    "and": "({0} AND {1})", "or": "({0} OR {1})", "not": "(NOT {0})",
    "eq": "({0} = {1})", "ne": "({0} <> {1})", "lt": "({0} < {1})", "le": "({0} <= {1})", "gt": "({0} > {1})", "ge": "({0} >= {1})",
    "is_null": "({0} IS NULL)", "is_not_null": "({0} IS NOT NULL)", "between": "({0} BETWEEN {1} AND {2})",
    "not_between": "({0} NOT BETWEEN {1} AND {2})",
    "distinct_from": "({0} IS DISTINCT FROM {1})", "not_distinct_from": "({0} IS NOT DISTINCT FROM {1})",
    "like": "({0} LIKE {o0})", "not_like": "({0} NOT LIKE {o0})", "nullif": "nullif({0}, {1})", "concat_operator": "({0} || {1})",
    "upper": "upper({0})", "lower": "lower({0})", "trim": "trim({0})", "replace": "replace({0}, {o0}, {o1})",
    "substr": "substr({0}, {o0}, {o1})",
}

_SEVERAL: dict[str, tuple[str | None, str | None, str | None]] = {
    "length": ("CAST(length({0}) AS INT)", "CAST(length({0}) AS INTEGER)", "length({0})"),  # BIGINT of what string_agg gives
    "divide_int": ("({0} / nullif({1}, 0))", "CAST({0} // nullif({1}, 0) AS BIGINT)", "({0} / nullif({1}, 0))"),
    "divide": ("({0} / {1})", "({0} / {1})", None),
    "xor": ("({0} ^ {1})", "xor({0}, {1})", None),
    "greatest": ("greatest({*})", "greatest({*})", None),  # SQLite: NULL if any is
    "least": ("least({*})", "least({*})", None),
    "coalesce": ("coalesce({*})", "coalesce({*})", "coalesce({*})"),
    "floor": ("floor({0})", "floor({0})", None), "ceil": ("ceil({0})", "ceil({0})", None),
    "round": ("round({0})", "round({0})", None), "round_to": ("round({0}, {o0})", "round({0}, {o0})", None),
    "trunc": ("trunc({0})", "trunc({0})", None), "sqrt": ("sqrt(abs({0}))", "sqrt(abs({0}))", None),
    "is_nan": ("isnan({0})", "isnan({0})", None),
    "is_true": ("({0} IS TRUE)", "({0} IS TRUE)", "({0} IS TRUE)"), "is_false": ("({0} IS FALSE)",) * 3,
    "is_not_true": ("({0} IS NOT TRUE)",) * 3, "is_not_false": ("({0} IS NOT FALSE)",) * 3,
    "is_unknown": ("({0} IS UNKNOWN)", "({0} IS UNKNOWN)", "({0} IS NULL)"),
    "ilike": ("({0} ILIKE {o0})", "({0} ILIKE {o0})", None),
    "regexp_like": ("regexp_like({0}, {o0})", "regexp_matches({0}, {o0})", None),
    "regexp_operator": ("({0} ~ {o0})", "regexp_matches({0}, {o0})", None),
    "similar_to": ("({0} SIMILAR TO {o0})", "({0} SIMILAR TO {o1})", None),
    "starts_with": ("starts_with({0}, {1})", "starts_with({0}, {1})", None),
    "ends_with": ("ends_with({0}, {1})", "ends_with({0}, {1})", None),
    "contains": ("contains({0}, {1})", "contains({0}, {1})", None),
    "concat": ("concat({*})", "concat({*})", None),
    "concat_ws": ("concat_ws('-', {*})", "concat_ws('-', {*})", None),
    "left": ("left({0}, {o0})", "left({0}, {o0})", None), "right": ("right({0}, {o0})", "right({0}, {o0})", None),
    "substr_from": ("substr({0}, {o0})",) * 3,
    "ltrim": ("ltrim({0}, {o0})",) * 3, "rtrim": ("rtrim({0}, {o0})",) * 3, "btrim": ("btrim({0}, {o0})", "trim({0}, {o0})", "trim({0}, {o0})"),
    "reverse": ("reverse({0})", "reverse({0})", None), "repeat": ("repeat({0}, {o0})", "repeat({0}, {o0})", None),
    "lpad": ("lpad({0}, {o0}, {o1})", "lpad({0}, {o0}, {o1})", None), "rpad": ("rpad({0}, {o0}, {o1})", "rpad({0}, {o0}, {o1})", None),
    "split_part": ("split_part({0}, {o0}, {o1})", "split_part({0}, {o0}, {o1})", None),
    "translate": ("translate({0}, {o0}, {o1})", "translate({0}, {o0}, {o1})", None),
    "md5": ("md5({0})", "md5({0})", None), "ascii": ("ascii({0})", "ascii({0})", None),
    "strpos": ("CAST(strpos({0}, {1}) AS INT)", "CAST(strpos({0}, {1}) AS INTEGER)", "instr({0}, {1})"),
    "octet_length": ("CAST(octet_length({0}) AS INT)", "CAST(strlen({0}) AS INTEGER)", None),
    "levenshtein": ("CAST(levenshtein({0}, {1}) AS INT)", "CAST(levenshtein({0}, {1}) AS INTEGER)", None),
    # time
    "date_part": ("date_part({o0}, {0})", "CAST(date_part({o0}, {0}) AS INTEGER)", None),
    "extract": ("extract({o0} FROM {0})", "CAST(extract({o0} FROM {0}) AS INTEGER)", None),
    "date_trunc": ("date_trunc({o0}, {0})", "date_trunc({o0}, {0})", None),
    "date_plus": ("({0} + INTERVAL {o0})", "CAST({0} + INTERVAL {o0} AS DATE)", None),
    "time_plus": ("({0} + INTERVAL {o0})", "({0} + INTERVAL {o0})", None),
    "date_plus_hours": ("({0} + INTERVAL {o0})", "({0} + INTERVAL {o0})", None),
    "date_plus_days": ("({0} + {1})", "({0} + {1})", None),
    "apart": ("(({0} - {1}) {o0} INTERVAL {o1})", "(({0} - {1}) {o0} INTERVAL {o1})", None),
    "days_between": ("({0} - {1})", "({0} - {1})", None),
    "make_date": ("make_date({0}, {1}, {2})", "make_date({0}, {1}, {2})", None),
    "to_char": ("to_char({0}, {o0})", "strftime({0}, {o0})", None),
    # casts which the engines do each in its own way, said so that they agree
    "float_to_int": ("CAST({0} AS {o0})", "CAST(trunc({0}) AS {o1})", None),
    "decimal_to_int": ("CAST({0} AS {o0})", "CAST(trunc({0}) AS {o1})", None),
    "digits_to_int": ("CASE WHEN {0} ~ '^[0-9]{{1,9}}$' THEN CAST({0} AS INT) END",
                      "CASE WHEN regexp_matches({0}, '^[0-9]{{1,9}}$') THEN CAST({0} AS INTEGER) END", None),
    # nested values
    "make_array": ("make_array({*})", "[{*}]", None), "element": ("{0}[{o0}]", "({0})[{o0}]", None),
    "array_length": ("coalesce(CAST(array_length({0}) AS BIGINT), 0)", "coalesce(len({0}), 0)", None),
    "array_has": ("array_has({0}, {1})", "list_contains({0}, {1})", None),
    "array_append": ("array_append({0}, {1})", "list_append({0}, {1})", None),
    "array_to_string": ("array_to_string({0}, '-')", "CASE WHEN {0} IS NOT NULL THEN coalesce(array_to_string({0}, '-'), '') END", None),
    "field": ("{0}['{o0}']", "({0})['{o0}']", None),
    "make_struct": ("named_struct('x', {0}, 'y', {1})", "{{'x': {0}, 'y': {1}}}", None),
    "unnest": ("unnest({0})", "unnest({0})", None),
    "grouping": ("grouping({0})", "grouping({0})", None),
    # aggregates
    "count_all": ("count(*)",) * 3, "count": ("count({0})",) * 3, "sum": ("sum({0})",) * 3, "avg": ("avg({0})",) * 3,
    "min": ("min({0})",) * 3, "max": ("max({0})",) * 3,
    "bool_and": ("bool_and({0})", "bool_and({0})", "min({0})"), "bool_or": ("bool_or({0})", "bool_or({0})", "max({0})"),
    "stddev": ("stddev({0})", "stddev({0})", None), "stddev_pop": ("stddev_pop({0})", "stddev_pop({0})", None),
    "var_pop": ("var_pop({0})", "var_pop({0})", None), "var_samp": ("var_samp({0})", "var_samp({0})", None),
    "agg_bit_and": ("bit_and({0})", "bit_and({0})", None), "agg_bit_or": ("bit_or({0})", "bit_or({0})", None),
    "agg_bit_xor": ("bit_xor({0})", "bit_xor({0})", None),
    "string_agg": ("string_agg({0}, ',' {order})", "string_agg({0}, ',' {order})", None),
    "array_agg": ("array_agg({0} {order})", "array_agg({0} {order})", None),
    "first_value": ("first_value({0} {order})", "first({0} {order})", None),
    "last_value": ("last_value({0} {order})", "last({0} {order})", None),
    "median": ("median({0})", "median({0})", None), "corr": ("corr({0}, {1})", "corr({0}, {1})", None),
    "covar_pop": ("covar_pop({0}, {1})", "covar_pop({0}, {1})", None),
    # functions of windows
    "row_number": ("row_number()",) * 3, "rank": ("rank()",) * 3, "dense_rank": ("dense_rank()",) * 3, "ntile": ("ntile({o0})",) * 3,
    "percent_rank": ("percent_rank()",) * 3, "cume_dist": ("cume_dist()",) * 3,
    "lag": ("lag({0}, {o0})",) * 3, "lead": ("lead({0}, {o0})",) * 3,
    "lag_default": ("lag({0}, {o0}, {1})",) * 3, "lead_default": ("lead({0}, {o0}, {1})",) * 3,
    "window_first": ("first_value({0})",) * 3, "window_last": ("last_value({0})",) * 3, "nth_value": ("nth_value({0}, {o0})",) * 3,
}

TEMPLATES: dict[str, tuple[str | None, ...]] = {name: (text,) * 3 for name, text in _ONE.items()} | _SEVERAL

#: Their results depend on the order of summation, or on how roots are taken.
APPROXIMATE = frozenset({"avg", "stddev", "stddev_pop", "var_pop", "var_samp", "corr", "covar_pop", "median", "sqrt"})
