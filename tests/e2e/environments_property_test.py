# SPDX-License-Identifier: Apache-2.0
"""Random walks over environments: profiles with warehouses of their own, variables, parameters, selections, --defer-to, edits, new data.

After every run the tables that it was about hold what DuckDB computes from the tables that they are to be read from; all others are as
they were. A second run does nothing, what has not changed is not built again, and `check` fails exactly where a view cannot be compiled.
What a run reads, the model knows by itself: nothing of Weir's decisions goes into it. WEIR_TEST_SCALE=full walks further and more often;
a seed that failed once stays.
"""

import dataclasses
import os
import random
import re
import shutil
import unittest

import deltalake
import duckdb
import pyarrow as pa

from weir_project import FULL_SCALE, Project, ProjectCase

SEEDS = [1, 2, 3]
MORE_SEEDS = [*range(100, 120), 140, 147]
STEPS = 16

NAMES = ["it's", 'say "x"', "", "ünï ✓", "a\nb", "$day", "${HOME", "x--y", "\\n", "NULL", "'; DROP TABLE a; --"]
DAYS = ["2024-01-01", "2024-1-2", "2024-01-03", "0001-01-01", "9999-12-31"]
NUMBERS = [0, 1, 2, 5, -3]

# The texts of views for Weir; for DuckDB each `$name` becomes a literal, and twice(…) what it means.
A = ["SELECT id, x FROM s WHERE day >= $day",
     "SELECT id, x + $n AS x FROM s WHERE day <> $DAY",
     "SELECT id, CAST(x AS INT) AS x FROM s WHERE $flag",
     "SELECT id, x, day FROM s WHERE x <> $n AND day::varchar <> $day::varchar",
     "SELECT id, x FROM s -- $nothing\nWHERE '$n' <> '$m'"]
F = ["SELECT id, x FROM a WHERE x > $n", "SELECT id, x FROM a WHERE $flag OR id = 1", "SELECT id, x FROM a"]
B = ["SELECT id, twice(x) AS z FROM a",
     "SELECT id, x AS z FROM f",
     "SELECT $name AS z, id FROM a",
     "SELECT id, 100 / $n AS z FROM a",
     "SELECT id, z FROM (SELECT id, $name AS \"$name\", $amount AS z FROM f) q"]
C = ["SELECT count(*) AS c, min(CAST(z AS VARCHAR)) AS m FROM b",
     "SELECT a.id, $name AS who FROM a WHERE id <= $limit",
     "SELECT b.id, b.z, f.x FROM b JOIN f ON b.id = f.id",
     "SELECT id, $need AS w FROM a"]
D = ["SELECT count(*) AS k FROM c", "SELECT count(*) AS k, $day AS d FROM c", "SELECT id, twice(id) AS t FROM b"]
VIEWS = {"a": A, "f": F, "b": B, "c": C, "d": D}
STORED = ["a", "b", "c", "d"]
PARAMETERS = ["day", "n", "k", "name", "flag", "amount", "limit", "need"]
FIXED = {"day": "2024-01-02", "n": "1", "k": "2", "name": "it's", "flag": "true", "amount": "1.50", "limit": "3"}


def literal(name, text):
    """A parameter's value as DuckDB writes it."""
    if name == "day":
        return "DATE '" + "-".join(f"{int(part):0{width}}" for part, width in zip(text.split("-"), (4, 2, 2))) + "'"
    if name == "name":
        return "'" + text.replace("'", "''") + "'"
    if name == "flag":
        return text
    types = {"amount": "DECIMAL(10, 2)", "need": "INT"}
    return f"CAST({text} AS {types.get(name, 'BIGINT')})"


def used(text):
    """The parameters that a view's text holds, outside of strings and comments."""
    names = {name for name in PARAMETERS if f"${name}" in text.lower()}
    if "'$n'" in text:
        names.discard("n")
        names.discard("name")
    return names | ({"k"} if "twice(" in text else set())


def tables_of(text):
    return {name for name in ["s", *VIEWS] if f"FROM {name}" in text or f"JOIN {name}" in text}


def for_duckdb(text, values):
    text = text.replace("-- $nothing\n", "").replace("'$n' <> '$m'", "true").replace('"$name"', "q_name")
    text = text.replace("twice(x)", f"CAST(x AS BIGINT) * {values['k']}").replace("twice(id)", f"CAST(id AS BIGINT) * {values['k']}")
    text = text.replace("100 / $n", f"CAST({int(100 / int(values['n'])) if int(values['n']) else 0} AS BIGINT)")
    text = text.replace("$DAY", "$day")
    return re.sub(r"\$(\w+)", lambda found: f"({literal(found[1], values[found[1]])})", text)


@dataclasses.dataclass
class Built:
    """A view's table in one warehouse."""

    rows: pa.Table
    signature: tuple
    version: int

    def types(self):
        return {field.name: str(field.type) for field in self.rows.schema}

    def content(self):
        return comparable(self.rows)


def comparable(table):
    """Rows in an order of their own, columns by name."""
    names = sorted(table.column_names)
    return names, sorted((tuple(row[name] for name in names) for row in table.to_pylist()), key=repr)


class Walk:
    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.project = Project(folder)
        self.folder = self.project.folder
        self.texts = {name: variants[0] for name, variants in VIEWS.items()}
        self.defaults = dict(FIXED)
        self.profile_values = {"prod": {}, "dev": {"n": "2"}, "ci": {"n": "2", "need": "7"}}
        self.environment = {"BASE": None, "ROOT": None}
        self.data_version = {"left": 0, "right": 0}
        self.rows = {}
        self.warehouses = {}  # by path: view → Built
        self.trace = []
        for base in ("left", "right"):
            self.write_data(base)
        for view in VIEWS:
            self.write_view(view)
        self.project.write("sources/s.sql", "CREATE EXTERNAL TABLE s (id BIGINT, day DATE, x BIGINT) STORED AS CSV\n"
                                            "LOCATION '${BASE:-left}/s.csv' OPTIONS (delimiter '${NO_SUCH_ONE:-,}');\n")
        # A parameter in a function concerns all views, as far as caches know.
        self.has_function_parameter = seed % 2 == 0
        factor = "$k" if self.has_function_parameter else "2"
        self.project.write("functions/f.sql",
                           f"CREATE FUNCTION twice(v BIGINT, factor BIGINT DEFAULT {factor}) RETURNS BIGINT RETURN v * factor;\n")
        self.write_toml()

    # The project

    def write_data(self, base):
        rows = [(i, self.random.choice(["2024-01-01", "2024-01-02", "2024-01-03"]), self.random.randrange(-3, 9))
                for i in range(1, self.random.randrange(3, 8))]
        self.rows[base] = rows
        self.data_version[base] += 1
        self.project.write(f"{base}/s.csv", "id,day,x\n" + "".join(f"{i},{day},{x}\n" for i, day, x in rows))

    def write_view(self, view):
        head = "CREATE VIEW f AS\n" if view == "f" else ""
        self.project.write(f"views/{view}.sql", head + self.texts[view] + "\n")

    def write_toml(self):
        def text(value):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("${", "$${")
            return f'"{escaped}"'
        types = {"day": "DATE", "n": "BIGINT", "k": "bigint", "name": "VARCHAR", "flag": "BOOLEAN", "amount": "numeric(10,2)",
                 "limit": "BIGINT", "need": "INT"}
        lines = ['[project]', 'name = "walk"', 'warehouse = "${UNSET_AND_UNNEEDED}"', '[parameters]']
        for name in PARAMETERS:
            default = f", default = {text(self.defaults[name])}" if name in self.defaults else ""
            lines.append(f'{name} = {{ type = "{types[name]}"{default} }}')
        lines += ['[profiles.prod]', 'warehouse = "${ROOT:-lakes}/prod"', '[profiles.dev]', 'warehouse = "${ROOT:-lakes}/dev"',
                  '[profiles.ci]', 'extends = "dev"', 'warehouse = "ci_lake"',
                  '[profiles.nobody]', 'warehouse = "${UNSET_AND_UNNEEDED}"']
        for profile, values in self.profile_values.items():
            lines.append(f"[profiles.{profile}.parameters]")
            lines += [f"{name} = {text(value)}" for name, value in values.items()]
        self.project.write("weir.toml", "\n".join(lines) + "\n")

    def edit(self):
        choice = self.random.randrange(10)
        if choice < 4:
            view = self.random.choice(list(VIEWS))
            self.texts[view] = self.random.choice(VIEWS[view])
            self.write_view(view)
            self.trace.append(f"{view}: {self.texts[view]!r}")
        elif choice < 6:
            base = self.random.choice(["left", "right"])
            self.write_data(base)
            self.trace.append(f"new data in {base}")
        elif choice == 6:
            self.environment["BASE"] = self.random.choice([None, "", "left", "right"])
            self.trace.append(f"BASE={self.environment['BASE']!r}")
        elif choice == 7:
            self.environment["ROOT"] = self.random.choice([None, None, "elsewhere"])
            self.trace.append(f"ROOT={self.environment['ROOT']!r}")
        elif choice == 8:
            name = self.random.choice(list(FIXED))
            self.defaults[name] = self.value_of(name)
            self.write_toml()
            self.trace.append(f"default {name} = {self.defaults[name]!r}")
        else:
            view, place = self.random.choice(STORED), self.random.choice(list(self.warehouses) or ["none"])
            if view in self.warehouses.get(place, {}):
                shutil.rmtree(os.path.join(place, view))
                del self.warehouses[place][view]
                self.trace.append(f"{view} removed from {place}")

    def value_of(self, name):
        choices = {"day": DAYS, "name": NAMES, "flag": ["true", "FALSE", "false"], "amount": ["1.5", "-0.25", "12345678.9"],
                   "limit": ["0", "2", "100"], "need": ["1", "-2"]}
        return self.random.choice(choices.get(name, [str(number) for number in NUMBERS]))

    # What is right

    def warehouse(self, profile):
        root = self.environment["ROOT"] or "lakes"
        return str(self.folder / ("ci_lake" if profile == "ci" else f"{root}/{profile}"))

    def values(self, profile, sets):
        values = dict(self.defaults)
        if profile == "ci":
            values.update(self.profile_values["dev"])
        values.update(self.profile_values[profile])
        values.update(sets)
        values["flag"] = values["flag"].lower()
        return values if self.has_function_parameter else values | {"k": "2"}

    def needs(self, view):
        """Columns of stored views that a view reads, inlined ones through."""
        text, wanted = self.texts[view], {}
        for table in tables_of(text):
            if table == "f":
                columns = {"x"} if re.search(r"\bx\b", text) or "x >" in self.texts["f"] else set()
                wanted.setdefault("a", set()).update(columns)
            elif table in STORED:
                columns = {"a": {"id", "x"}, "b": {"id", "z"}, "c": set()}[table]
                if "count(*)" in text:
                    columns = columns & ({"z"} if table == "b" else set())
                columns = {column for column in columns if re.search(rf"\b{column}\b", text)}
                wanted.setdefault(table, set()).update(columns)
        return wanted

    def schema_here(self, view, values):
        """Types that the definition here gives, over what the definitions here give."""
        connection = duckdb.connect()
        connection.execute("CREATE TABLE s (id BIGINT, day DATE, x BIGINT)")
        for name in ["a", "f", "b", "c", "d"]:
            connection.execute(f"CREATE VIEW {name} AS {for_duckdb(self.texts[name], values)}")
            if name == view:
                table = connection.sql(f"SELECT * FROM {name}").to_arrow_table()
                return {field.name: str(field.type) for field in table.schema}
        raise AssertionError(view)

    def compiles(self, values):
        for view, text in self.texts.items():
            if any(values.get(name) is None for name in used(text)):
                return False
            if "100 / $n" in text and int(values["n"]) == 0:
                return False
        # What reads `id` of a view that has none cannot be planned.
        return True

    def evaluate(self, view, inputs, values):
        connection = duckdb.connect()
        base = self.environment["BASE"] or "left"
        connection.execute("CREATE TABLE s (id BIGINT, day DATE, x BIGINT)")
        connection.executemany("INSERT INTO s VALUES (?, ?, ?)", self.rows[base])
        for name, rows in inputs.items():
            connection.register(f"{name}_rows", rows)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")
        if "a" in inputs:
            connection.execute(f"CREATE VIEW f AS {for_duckdb(self.texts['f'], values)}")
        return connection.sql(for_duckdb(self.texts[view], values)).to_arrow_table()

    def signature(self, view, inputs, values):
        """Equal wherever a view need not be built again."""
        texts = [self.texts[view]] + ([self.texts["f"]] if "f" in tables_of(self.texts[view]) else [])
        names = sorted(set().union(*(used(text) for text in texts)))
        literals = tuple(literal(name, values[name]) for name in names)
        base = self.environment["BASE"] or "left"
        source = (base, self.data_version[base]) if "s" in tables_of(self.texts[view]) else None
        return (tuple(texts), literals, source,
                tuple((name, repr(comparable(rows)), str(rows.schema)) for name, rows in sorted(inputs.items())))


class EnvironmentsProperty(ProjectCase):
    def test_no_switch_of_environments_leaves_a_stale_or_wrong_table(self):
        for seed in SEEDS + (MORE_SEEDS if FULL_SCALE else []):
            with self.subTest(seed=seed):
                self.walk(Walk(self.scratch / str(seed), seed), STEPS * (3 if FULL_SCALE else 1))

    def walk(self, walk, steps):
        for step in range(steps):
            for _ in range(walk.random.randrange(3)):
                walk.edit()
            profile = walk.random.choice(["prod", "dev", "ci"])
            sets = {name: walk.value_of(name) for name in walk.random.sample(PARAMETERS, walk.random.choice([0, 0, 1, 2]))}
            if walk.random.randrange(2):
                sets.setdefault("need", "1")
            selected = STORED if walk.random.randrange(3) == 0 else sorted(walk.random.sample(STORED, walk.random.randrange(1, 4)))
            others = [name for name in ["prod", "dev", "ci"] if name != profile]
            defer_to = walk.random.choice([None, *others])
            self.step(walk, step, profile, sets, selected, defer_to)

    def step(self, walk, step, profile, sets, selected, defer_to):
        arguments = ["--profile", profile]
        for name, value in sets.items():
            arguments += ["--set", f"{walk.random.choice([name, name.upper()])}={value}"]
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("BASE", "ROOT", "UNSET_AND_UNNEEDED", "NO_SUCH_ONE")}
        environment |= {name: value for name, value in walk.environment.items() if value is not None}

        def weir(command, *more):
            return walk.project.weir(command, *arguments, *more, env=environment)

        values = walk.values(profile, sets)
        here, there = walk.warehouse(profile), walk.warehouse(defer_to) if defer_to else None
        run_arguments = ["--select", ",".join(selected), *(["--defer-to", defer_to] if defer_to else [])]
        walk.trace.append(f"{step}: {arguments} {run_arguments}")
        told = "\n".join(walk.trace[-40:])

        checked = weir("check")
        compiles = walk.compiles(values) and not self.is_unplannable(walk, values)
        self.assertEqual(checked.code == 0, compiles, f"{told}\n{checked.text}")
        planned = weir("plan", "--format", "json", *run_arguments)
        outcome = weir("run", "--format", "json", *run_arguments)
        if not compiles:
            self.assertEqual((planned.code, outcome.code), (1, 1), f"{told}\n{outcome.text}")
            self.expect_tables(walk, told)
            return

        tables = walk.warehouses.setdefault(here, {})
        problem = self.deferral_problem(walk, selected, tables, walk.warehouses.get(there, {}), values) if defer_to else None
        if problem:
            self.assertEqual((planned.code, outcome.code), (1, 1), f"{told}\n{problem}\n{outcome.text}")
            self.expect_tables(walk, told)
            return
        self.assertIn(outcome.code, (0, 1), f"{told}\n{outcome.text}")
        self.assertEqual(planned.code, 0, f"{told}\n{planned.text}")
        failed = {failure["view"]: failure["state"] for failure in outcome.json()["failures"]}
        self.expect_run(walk, selected, failed, tables, walk.warehouses.get(there, {}), values, here, told + "\n" + outcome.text)
        self.expect_tables(walk, told)
        if failed:
            return
        again = weir("run", "--format", "json", *run_arguments)
        self.assertEqual((again.code, again.json()["views"]["run"]), (0, 0), f"{told}\n{again.text}")
        plan = weir("plan", "--format", "json", *run_arguments).json()
        self.assertEqual((plan["run"], plan["pending"]), (0, 0), f"{told}\n{plan}")

    def is_unplannable(self, walk, values):
        """Whether a view reads a column that the definitions here do not have."""
        try:
            walk.schema_here("d", {**values, "need": values.get("need") or "1"})
        except duckdb.Error:
            return True
        return False

    def misfit(self, walk, view, table, built, values):
        """What of a table as it was built does not fit the types that a reader was planned with."""
        wanted, found = walk.schema_here(table, values), built.types()
        for column in walk.needs(view).get(table, ()):
            if found.get(column) != wanted[column]:
                return f"{view} reads {table}.{column}: {found.get(column)} instead of {wanted[column]}"
            if list(found).index(column) != list(wanted).index(column):
                return f"{view} reads {table}.{column}, which is at another place"
        return None

    def deferral_problem(self, walk, selected, here, there, values):
        for view in selected:
            for table in walk.needs(view):
                if table in selected or table in here:
                    continue
                if table not in there:
                    return f"{view} reads {table}, which is in neither"
                problem = self.misfit(walk, view, table, there[table], values)
                if problem:
                    return problem
        return None

    def expect_run(self, walk, selected, failed, here, there, values, folder, told):
        for view in STORED:
            if view not in selected:
                self.assertNotIn(view, failed, told)
                continue
            inputs, must_fail, blocked = {}, None, False
            for table in walk.needs(view):
                source = here.get(table)
                if table in selected:
                    blocked = blocked or table in failed
                else:
                    source = source or there.get(table)
                    must_fail = must_fail or (f"{table} is not built" if source is None
                                              else self.misfit(walk, view, table, source, values))
                if source is not None:
                    inputs[table] = source.rows
            if blocked:
                self.assertEqual(failed.get(view), "blocked", f"{told}\n{view}")
                continue
            if must_fail and view not in failed:
                # What is read is the same as at the last build, in other types.
                self.assertIn(view, here, f"{told}\n{view}: {must_fail}")
                self.assertEqual(self.version(folder, view), here[view].version, f"{told}\n{view}: {must_fail}")
                continue
            self.assertEqual(failed.get(view), "failed" if must_fail else None, f"{told}\n{view}: {must_fail}")
            if must_fail:
                continue
            rows, signature = walk.evaluate(view, inputs, values), walk.signature(view, inputs, values)
            version = self.version(folder, view)
            if view in here and here[view].signature == signature:
                self.assertEqual(version, here[view].version, f"{told}\n{view} was built again although nothing changed")
            here[view] = Built(rows=rows, signature=signature, version=version)

    def version(self, folder, view):
        return deltalake.DeltaTable(os.path.join(folder, view)).version()

    def expect_tables(self, walk, told):
        for folder, tables in walk.warehouses.items():
            for view in STORED:
                path = os.path.join(folder, view)
                if view not in tables:
                    self.assertFalse(os.path.isdir(os.path.join(path, "_delta_log")), f"{told}\n{path}")
                    continue
                found = deltalake.DeltaTable(path).to_pyarrow_table()
                self.assertEqual(comparable(found), comparable(tables[view].rows), f"{told}\n{path}")


if __name__ == "__main__":
    unittest.main()
