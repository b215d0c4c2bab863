# SPDX-License-Identifier: Apache-2.0
"""Results that their type cannot hold (faults B10): errors with a place wherever an expression may stand, other numbers only where the
profile asks for them; random expressions and sums over extremes against Python's whole numbers and decimals."""

import decimal
import json
import random

import weir_project

TOML = '[project]\nname = "overflow"\n'
SOURCE = """CREATE EXTERNAL TABLE x (id INT, t TINYINT, s SMALLINT, i INT, b BIGINT, d DECIMAL(38, 0), e DECIMAL(20, 2), c DECIMAL(9, 4))
STORED AS CSV LOCATION 'x.csv' OPTIONS ('has_header' 'true');
"""
ROWS = "id,t,s,i,b,d,e,c\n1,1,1,100000,9223372036854775807,1,1,1\n2,2,2,2,1,2,2,2\n"


class OverflowCase(weir_project.ProjectCase):
    def make(self, views: dict[str, str], toml: str = TOML, rows: str = ROWS) -> weir_project.Project:
        project = weir_project.Project(self.scratch / f"p{len(list(self.scratch.iterdir()))}")
        for name, text in {"weir.toml": toml, "sources/x.sql": SOURCE, "x.csv": rows}.items():
            project.write(name, text)
        for name, text in views.items():
            project.write(f"views/{name}.sql", text)
        return project

    def failures(self, project: weir_project.Project, *options: str) -> dict[str, dict]:
        outcome = project.weir("run", "--format", "json", *options)
        self.assertEqual(outcome.code, 1, outcome.text)
        return {failure["view"]: failure for failure in outcome.json()["failures"]}


class OverflowTest(OverflowCase):
    def test_an_error_has_its_code_its_place_its_values_and_a_hint(self):
        project = self.make({"v": "SELECT id,\n       x.i\n         * x.i AS square\nFROM x\n"})
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("error[W5006]: view `v` failed: the result of `i * i` does not fit INT, found `100000 * 100000`", outcome.stderr)
        self.assertIn("--> views/v.sql:2:10", outcome.stderr)
        self.assertIn("hint: cast an operand to BIGINT, or set `overflow = \"wrap\"` in the profile", outcome.stderr)
        self.assertFalse((project.warehouse / "v" / "_delta_log").exists())

    def test_a_place_in_a_view_that_is_inlined(self):
        project = self.make({"inner": "CREATE VIEW inner_one AS\nSELECT id, i * i AS square FROM x", "v": "SELECT sum(square) AS s FROM inner_one"})
        outcome = project.weir("run")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("error[W5006]", outcome.stderr)
        self.assertIn("--> views/inner.sql:2:12", outcome.stderr)

    def test_constants_are_found_before_anything_runs(self):
        project = self.make({"v": "SELECT id,\n  CAST(100000 AS INT) * CAST(100000 AS INT) AS c FROM x"})
        for command in ("check", "run"):
            outcome = project.weir(command)
            self.assertEqual(outcome.code, 1, outcome.text)
            self.assertIn("error[W2012]: this fails whatever the data: the result of `100000 * 100000` does not fit INT", outcome.stderr)
            self.assertIn("--> views/v.sql:2:8", outcome.stderr)
            self.assertIn("hint: cast an operand to BIGINT", outcome.stderr)

    def test_by_lane(self):
        project = self.make({"v": "SELECT b + 1 AS c FROM x", "w": "SELECT sum(b) AS c FROM x"})
        for options in ([], ["--by-lane"]):
            said = self.failures(project, *options)
            self.assertIn("`b + 1` does not fit BIGINT", said["v"]["message"])
            self.assertIn("does not fit BIGINT, found `9223372036854775808`", said["w"]["message"])

    def test_tests_of_a_project(self):
        project = self.make({"v": "SELECT id, i FROM x"})
        project.write("tests/t.sql", "SELECT i * i AS square FROM v")
        project.succeed("run")
        outcome = project.weir("test")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("`i * i` does not fit INT", outcome.text)

    def test_unit_tests(self):
        project = self.make({"v": "SELECT id, i * i AS square FROM x WHERE id * id < 100000"})
        project.write("tests/u.sql", "TEST OF VIEW v\nGIVEN x (id, i) AS VALUES (1, 100000)\nEXPECT NO ROWS")
        outcome = project.weir("test")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("`i * i` does not fit INT", outcome.text)

    def test_constraints(self):
        project = self.make({"v": "CREATE MATERIALIZED VIEW v (CONSTRAINT c EXPECT (i * i > 0) ON VIOLATION DROP ROW) AS SELECT id, i FROM x"})
        said = self.failures(project)
        self.assertIn("`i * i` does not fit INT", said["v"]["message"])

    def test_constants_that_are_made_by_simplifying(self):
        for sql in ("SELECT CASE WHEN true THEN CAST(2147483647 AS INT) ELSE i END + CAST(1 AS INT) AS v FROM x",
                    "SELECT v * v AS v FROM (SELECT CAST(100000 AS INT) AS v)", "SELECT id FROM x WHERE i < CAST(2147483647 AS INT) + CAST(1 AS INT)"):
            with self.subTest(sql):
                outcome = self.make({"v": sql}).weir("run")
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertIn("does not fit INT", outcome.stderr)

    def test_statements(self):
        project = self.make({})
        outcome = project.weir("sql", "SELECT id FROM x WHERE b + b > 0")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("the result of `b + b` does not fit BIGINT", outcome.stderr)

    def test_a_filter_that_the_reader_evaluates(self):
        """Wrapped round, i * i is 1410065408 or 4: a reader of files that let it pass would drop rows instead of failing."""
        project = self.make({"stored": "SELECT id, i FROM x", "v": "SELECT id FROM stored WHERE i * i < 5"})
        self.assertIn("`i * i` does not fit INT", self.failures(project)["v"]["message"])

    def test_arguments_of_table_functions(self):
        project = self.make({})
        self.assertEqual(project.sql("SELECT count(*) AS n FROM generate_series(9223372036854775805, 9223372036854775807)"), [{"n": 3}])
        outcome = project.weir("sql", "SELECT count(*) AS n FROM generate_series(1, 9223372036854775807 + 1)")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("the result of `9223372036854775807 + 1` does not fit BIGINT", outcome.stderr)

    def test_wrap_is_a_choice_of_the_profile_and_part_of_the_fingerprint(self):
        project = self.make({"v": "SELECT id, i * i AS square FROM x", "w": "SELECT sum(b) AS c FROM x"})
        erring = project.succeed("explain", "v", "--fingerprint").stdout
        self.assertIn("weir.overflow", erring)
        project.write("weir.toml", TOML + '[profiles.default]\noverflow = "wrap"\n')
        wrapping = project.succeed("explain", "v", "--fingerprint").stdout
        self.assertNotEqual(erring, wrapping)
        project.succeed("run")
        self.assertEqual([row["square"] for row in project.sql("SELECT square FROM v ORDER BY id")], [1410065408, 4])
        self.assertEqual([int(row["c"]) for row in project.sql("SELECT c FROM w")], [-(2**63)])
        project.write("weir.toml", TOML)
        self.assertEqual(set(self.failures(project)), {"v", "w"})

    def test_the_profile_says_error_or_wrap(self):
        project = self.make({}, TOML + '[profiles.default]\noverflow = "ignore"\n')
        outcome = project.weir("check")
        self.assertEqual(outcome.code, 1, outcome.text)
        self.assertIn("error[W1013]: `error` or `wrap` is wanted for `overflow`, found `ignore`", outcome.stderr)
        self.assertIn("--> weir.toml:4:12", outcome.stderr)

    def test_sums_in_parts_and_on_disk(self):
        """Many groups over several partitions, with little memory: parts of a sum may be beyond the type, the whole decides."""
        rows = []
        for group in range(20000):
            big = 10**38 - 1
            for b, d in ((2**63 - 1, big), (2**63 - 1, big), (-(2**63 - 1), -big), (group, group)):
                rows.append(f"{group},1,1,1,{b},{d},1,1")
        random.Random(7).shuffle(rows)
        text = "id,t,s,i,b,d,e,c\n" + "\n".join(rows) + "\n"
        project = self.make({"v": "SELECT id, sum(b) AS b, sum(d) AS d FROM x WHERE b < 0 OR b < 1000000 OR id >= 0 GROUP BY id"},
                            TOML + '[profiles.default]\ndeterministic = false\nthreads = 4\nmemory_limit = "24MB"\n', text)
        said = self.failures(project)
        self.assertIn("does not fit", said["v"]["message"])
        project.write("views/v.sql", "SELECT id, sum(b) AS b, sum(d) AS d FROM (SELECT id, b, d FROM x UNION ALL SELECT id, -b, -d FROM x "
                      "UNION ALL SELECT id, CAST(1 AS BIGINT), CAST(1 AS DECIMAL(38, 0)) FROM x) AS u GROUP BY id")
        project.succeed("run")
        found = project.sql("SELECT count(*) AS n, min(b) AS l, max(b) AS h, min(d) AS k, max(d) AS m FROM v")[0]
        self.assertEqual([int(found[key]) for key in ("n", "l", "h", "k", "m")], [20000, 4, 4, 4, 4])


# Random expressions: their values by Python, whose whole numbers and decimals have no end.

WIDTHS = {"t": 8, "s": 16, "i": 32, "b": 64}
DECIMALS = {"d": (38, 0), "e": (20, 2), "c": (9, 4)}
CONSTANTS = {"1": (20, 0), "0.25": (3, 2), "99999999999.999": (38, 3), "-1.000001": (10, 6)}
decimal.getcontext().prec = 200


class Beyond(Exception):
    """The type does not hold it."""


def fit_whole(value: int, bits: int) -> int:
    if not -(2**(bits - 1)) <= value < 2**(bits - 1):
        raise Beyond
    return value


def fit_decimal(value: decimal.Decimal, digits: int, scale: int) -> decimal.Decimal:
    if abs(value.scaleb(scale)) >= 10**digits:
        raise Beyond
    return value


def toward_zero(left: int, right: int) -> int:
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


class Whole:
    """An expression of whole numbers of one width."""

    def __init__(self, column: str, source: random.Random, depth: int = 2):
        self.bits = WIDTHS[column]
        self.parts = []
        # -(-a) is taken to be a, which it is.
        self.operator = source.choice("+-*/%n" if depth > 1 else "+-*/%") if depth > 0 else None
        if self.operator is None:
            self.text = column
        elif self.operator == "n":
            self.parts = [Whole(column, source, depth - 1)]
            self.text = f"(- {self.parts[0].text})"
        else:
            self.parts = [Whole(column, source, source.randrange(depth)) for _ in range(2)]
            self.text = f"({self.parts[0].text} {self.operator} {self.parts[1].text})"
        self.column = column

    def value(self, row: dict):
        if self.operator is None:
            return row[self.column]
        values = [part.value(row) for part in self.parts]
        if None in values:
            return None
        if self.operator == "n":
            return fit_whole(-values[0], self.bits)
        left, right = values
        if self.operator in "/%" and right == 0:
            raise Beyond
        if self.operator == "%":
            return left - right * toward_zero(left, right)
        return fit_whole({"+": left + right, "-": left - right, "*": left * right,
                          "/": toward_zero(left, right) if right else 0}[self.operator], self.bits)


class Fraction:
    """`+`, `-` or `*` of two decimals, columns or constants, perhaps twice."""

    def __init__(self, source: random.Random, depth: int = 2):
        self.operator = source.choice("+-*") if depth > 0 else None
        self.parts = [Fraction(source, source.randrange(depth)) for _ in range(2)] if self.operator else []
        if not self.operator:
            self.constant = source.choice(list(CONSTANTS)) if source.random() < 0.3 else None
            self.column = source.choice(list(DECIMALS))
            self.digits, self.scale = CONSTANTS[self.constant] if self.constant else DECIMALS[self.column]
            self.text = f"CAST('{self.constant}' AS DECIMAL({self.digits}, {self.scale}))" if self.constant else self.column
            return
        self.text = f"({self.parts[0].text} {self.operator} {self.parts[1].text})"
        (p, s), (q, r) = [(part.digits, part.scale) for part in self.parts]
        if self.operator == "*":
            self.digits, self.scale = min(38, p + q + 1), s + r
        else:
            self.scale = max(s, r)
            self.digits = min(38, self.scale + max(p - s, q - r) + 1)

    def value(self, row: dict):
        if not self.operator:
            return decimal.Decimal(self.constant) if self.constant else row[self.column]
        left, right = [part.value(row) for part in self.parts]
        if left is None or right is None:
            return None
        exact = {"+": left + right, "-": left - right, "*": left * right}[self.operator]
        return fit_decimal(exact, self.digits, self.scale)


def random_rows(source: random.Random) -> list[dict]:
    rows = []
    for number in range(24):
        row = {"id": number}
        for column, bits in WIDTHS.items():
            most = 2**(bits - 1)
            row[column] = source.choice([most - 1, -most, most - 2, -most + 1, 0, 1, -1, 2, most // 2, int(most**0.5), -int(most**0.5) - 1,
                                         source.randrange(-most, most), None])
        for column, (digits, scale) in DECIMALS.items():
            most = 10**digits - 1
            unscaled = source.choice([most, -most, most // 2, most // 2 + 1, 0, 1, -1, int(most**0.5), 10**(digits // 2), source.randrange(-most, most), None])
            row[column] = None if unscaled is None else decimal.Decimal(unscaled).scaleb(-scale)
        rows.append(row)
    return rows


def as_csv(rows: list[dict]) -> str:
    lines = [",".join(rows[0])]
    lines += [",".join("" if value is None else format(value, "f") if isinstance(value, decimal.Decimal) else str(value) for value in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


class RandomOverflowTest(OverflowCase):
    """Rows that fit have Python's value; one that does not fails the view."""

    def judge(self, seed: int, count: int) -> None:
        source = random.Random(seed)
        rows = random_rows(source)
        expressions = [Whole(source.choice("tsib"), source) if source.random() < 0.6 else Fraction(source) for _ in range(count)]
        expressions = [one for one in expressions if not isinstance(one, Fraction) or one.scale <= 38]
        good, bad = {}, {}
        for number, expression in enumerate(expressions):
            values, beyond = {}, []
            for row in rows:
                try:
                    values[row["id"]] = expression.value(row)
                except Beyond:
                    beyond.append(row["id"])
            keep = ", ".join(map(str, [*values, -1]))
            good[f"g{number:03}"] = (f"SELECT id, CASE WHEN id IN ({keep}) THEN {expression.text} END AS v FROM x",
                                     values | dict.fromkeys(beyond))
            if beyond:
                bad[f"f{number:03}"] = f"SELECT id, CASE WHEN id = {source.choice(beyond)} THEN {expression.text} END AS v FROM x"
        for number in range(count // 2):
            column = source.choice("ibdec")
            chosen = source.sample(rows, source.randrange(1, len(rows)))
            numbers = [row[column] for row in chosen if row[column] is not None]
            distinct = source.random() < 0.3
            exact = sum(set(numbers) if distinct else numbers)
            digits, scale = DECIMALS.get(column, (0, 0))
            ids = ", ".join(str(row["id"]) for row in chosen)
            sql = f"SELECT {source.choice(['0', 'max(0)'])} AS id, sum({'DISTINCT ' if distinct else ''}{column}) AS v FROM x WHERE id IN ({ids})"
            try:
                if digits:
                    fit_decimal(decimal.Decimal(exact), min(38, digits + 10), scale)
                else:
                    fit_whole(exact, 64)
                good[f"s{number:03}"] = (sql, {0: exact if numbers else None})
            except Beyond:
                bad[f"t{number:03}"] = sql
        project = self.make({name: sql for name, (sql, _) in good.items()} | bad, rows=as_csv(rows))
        outcome = project.weir("run", "--format", "json")
        failures = {failure["view"]: failure["message"] for failure in outcome.json()["failures"]}
        self.assertEqual(sorted(set(failures) - set(bad)), [], {name: (good[name][0], said) for name, said in failures.items() if name in good})
        self.assertEqual(sorted(set(bad) - set(failures)), [], [bad[name] for name in set(bad) - set(failures)])
        for name, (sql, values) in good.items():
            found = {row["id"]: row["v"] if row["v"] is None else decimal.Decimal(str(row["v"])) for row in project.sql(f"SELECT id, v FROM {name}")}
            self.assertEqual(found, values, f"seed {seed}: {sql}")

    def test_random_expressions(self):
        for seed in range(40 if weir_project.FULL_SCALE else 3):
            with self.subTest(seed):
                self.judge(seed, 60)
