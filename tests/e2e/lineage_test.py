# SPDX-License-Identifier: Apache-2.0
"""weir lineage and weir impact: both directions, the forms they print, and OpenLineage's events read by its Python client."""

import json
import re

import attr
from openlineage.client import event_v2
from openlineage.client.generated import base, column_lineage_dataset, job_type_job, schema_dataset, sql_job
from openlineage.client.naming import dataset as naming

import weir_project

TOML = '[project]\nname = "shop"\n'
ORDERS = "id,customer,amount,state\n1,7,10,open\n2,7,5,paid\n3,8,1,paid\n"
VIEWS = {
    "paid": "CREATE MATERIALIZED VIEW paid AS SELECT id, customer, amount AS paid FROM orders WHERE state = 'paid'",
    "totals": "CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(paid) AS total, named_struct('low', min(paid), 'n', count(*)) AS"
              " packed FROM paid GROUP BY customer",
    "lows": "CREATE MATERIALIZED VIEW lows AS SELECT packed['low'] AS low FROM totals",
    "plain": "CREATE VIEW plain AS SELECT id, amount * 2 AS twice FROM orders",
    "doubled": "CREATE MATERIALIZED VIEW doubled AS SELECT twice FROM plain ORDER BY id",
}
FACETS = {"schema": schema_dataset.SchemaDatasetFacet, "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet,
          "sql": sql_job.SQLJobFacet, "jobType": job_type_job.JobTypeJobFacet}


def checked(cls, value: dict, path: str):
    """Makes the client's class of a JSON object: it must have the fields that the class wants and no others."""
    fields = {field.name: field for field in attr.fields(cls)}
    unknown = set(value) - set(fields)
    assert not unknown, f"{path}: {cls.__name__} has no {sorted(unknown)}"
    return cls(**value)


def check_facet(name: str, facet: dict):
    """The facet as its class wants it, with its own schema's address."""
    cls = FACETS[name]
    values = {key: value for key, value in facet.items() if not key.startswith("_")}
    made = checked(cls, values, name)
    assert facet["_schemaURL"] == made._get_schema(), (facet["_schemaURL"], made._get_schema())
    assert facet["_producer"]
    if name == "schema":
        check_fields(facet["fields"])
    if name == "columnLineage":
        for field in facet["fields"].values():
            checked(column_lineage_dataset.Fields, field, name)
        for entry in [entry for field in facet["fields"].values() for entry in field["inputFields"]] + facet["dataset"]:
            checked(column_lineage_dataset.InputField, entry, name)
            for step in entry["transformations"]:
                checked(column_lineage_dataset.Transformation, step, name)
                assert step["type"] in ("DIRECT", "INDIRECT")


def check_fields(fields: list):
    for field in fields:
        checked(schema_dataset.SchemaDatasetFacetFields, field, "schema")
        check_fields(field.get("fields", []))


def check_dataset(cls, dataset: dict):
    for name, facet in dataset["facets"].items():
        check_facet(name, facet)
    checked(cls, dataset, "dataset")


def check_event(event: dict):
    """An event of any kind, made again of the client's classes."""
    kind = event["schemaURL"].rsplit("/", 1)[-1]
    cls = {"JobEvent": event_v2.JobEvent, "RunEvent": event_v2.RunEvent, "DatasetEvent": event_v2.DatasetEvent}[kind]
    values = {key: value for key, value in event.items() if key != "schemaURL"}
    if kind == "DatasetEvent":
        check_dataset(event_v2.StaticDataset, event["dataset"])
        values["dataset"] = event_v2.StaticDataset(**event["dataset"])
    else:
        for name, facet in event["job"]["facets"].items():
            check_facet(name, facet)
        values["job"] = checked(event_v2.Job, event["job"], "job")
        for dataset in event["inputs"]:
            check_dataset(event_v2.InputDataset, dataset)
        for dataset in event["outputs"]:
            check_dataset(event_v2.OutputDataset, dataset)
    if kind == "RunEvent":
        values["run"] = checked(event_v2.Run, event["run"], "run")
        values["eventType"] = event_v2.RunState[event["eventType"]]
    made = cls(**values)
    assert event["schemaURL"] == base.BaseEvent._get_schema().split("#")[0] + f"#/$defs/{kind}", event["schemaURL"]
    return made


class LineageTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "shop")
        self.project.write("weir.toml", TOML)
        self.project.write("data/orders.csv", ORDERS)
        self.project.write("sources/orders.sql", "CREATE EXTERNAL TABLE orders STORED AS CSV LOCATION 'data/orders.csv'")
        for name, sql in VIEWS.items():
            self.project.write(f"views/{name}.sql", sql)

    def json(self, *arguments: str):
        return self.project.succeed(*arguments, "--format", "json").json()

    def events(self, *arguments: str) -> list[dict]:
        return [json.loads(line) for line in self.project.succeed("lineage", *arguments, "--format", "openlineage").stdout.splitlines()]

    def test_a_column_has_its_inputs_and_those_of_its_rows(self):
        (column,) = self.json("lineage", "totals.total")
        self.assertEqual("aggregation", column["transformation"])
        self.assertEqual([("paid", "paid", "value", False), ("paid", "customer", "group_key", True)],
                         [(i["table"], i["column"], i["use"], i["on_rows"]) for i in column["inputs"]])

    def test_upstream_goes_to_the_sources_field_by_field(self):
        (column,) = self.json("lineage", "lows.low", "--upstream")
        values = [(i["table"], i["column"], i["transformation"]) for i in column["inputs"] if i["use"] == "value"]
        self.assertEqual([("orders", "amount", "aggregation")], values)
        rows = {(i["column"], i["use"]) for i in column["inputs"] if i["on_rows"]}
        self.assertEqual({("customer", "group_key"), ("state", "filter")}, rows)

    def test_impact_tells_values_from_rows_and_shows_the_way(self):
        reached = {(r["view"], r["column"]): r for r in self.json("impact", "orders.amount")}
        self.assertEqual({("paid", "paid"), ("totals", "total"), ("totals", "packed"), ("lows", "low"), ("doubled", "twice")}, set(reached))
        self.assertEqual({"value"}, {r["reach"] for r in reached.values()})
        way = [step["to"]["table"] for step in reached["lows", "low"]["way"]]
        self.assertEqual(["paid", "totals", "lows"], way)
        states = self.json("impact", "orders.state")
        self.assertEqual({"filter"}, {r["reach"] for r in states})
        self.assertIn("orders.state -> paid.id (filter)", self.project.succeed("impact", "orders.state").stdout)
        self.assertEqual([], self.json("impact", "lows.low"))
        self.assertEqual(states, self.json("lineage", "orders.state", "--downstream"))

    def test_impact_of_a_table_is_that_of_its_columns(self):
        whole = {(r["view"], r["column"]) for r in self.json("impact", "orders")}
        single = {(r["view"], r["column"]) for name in ("id", "customer", "amount", "state") for r in self.json("impact", f"orders.{name}")}
        self.assertEqual(single, whole)

    def test_a_view_that_is_not_stored_has_its_lineage(self):
        lineage = self.json("lineage", "plain")
        self.assertEqual(["id", "twice"], [column["name"] for column in lineage["columns"]])
        self.assertEqual([2], [self.project.weir("impact", "plain").code])

    def test_all_views_at_once(self):
        self.assertEqual(set(VIEWS), set(self.json("lineage")))
        self.assertIn("totals", self.project.succeed("lineage").stdout)

    def test_pictures_have_a_node_a_column_and_a_line_a_step(self):
        dot = self.project.succeed("lineage", "lows", "--upstream", "--format", "dot").stdout
        self.assertTrue(dot.startswith("digraph lineage {"))
        nodes = dict(re.findall(r"(c\d+) \[label=\"(\w+)\"\]", dot))
        lines = re.findall(r"(c\d+) -> (c\d+)", dot)
        self.assertIn(("amount", "paid"), {(nodes[a], nodes[b]) for a, b in lines})
        self.assertIn('style=dashed, label="filter"', dot)
        mermaid = self.project.succeed("lineage", "orders.state", "--downstream", "--format", "mermaid").stdout
        self.assertTrue(mermaid.startswith("flowchart LR\n"))
        self.assertIn('-.->|"filter"|', mermaid)
        named = set(re.findall(r"^    (c\d+)\[", mermaid, re.M))
        self.assertEqual(named, set(re.findall(r"\bc\d+\b", mermaid)))

    def test_names_that_are_not_there_are_answered_with_near_ones(self):
        for wanted, said in {"totls": "`totals`", "totals.totl": "`total`", "orders.amuont": "`amount`", "total": "`totals.total`",
                             "totals.zzz": "it has `customer`, `total`, `packed`"}.items():
            outcome = self.project.weir("impact", wanted)
            self.assertEqual(2, outcome.code, wanted)
            self.assertIn(said, outcome.stderr, wanted)
        outcome = self.project.weir("impact", "customer")
        self.assertIn("several have such a column: `orders.customer`, `paid.customer`, `totals.customer`", outcome.stderr)
        self.assertEqual(2, self.project.weir("lineage", "orders").code)
        self.assertEqual(2, self.project.weir("lineage", "totals", "--upstream", "--downstream").code)
        self.assertEqual(0, self.project.weir("impact", "ORDERS.Amount").code)

    def test_events_are_what_the_client_reads(self):
        for kind in ("job", "dataset"):
            events = self.events("--event", kind)
            self.assertEqual({name for name in VIEWS if name != "plain"},
                             {(e.get("dataset") or e["outputs"][0])["name"].rsplit("/", 1)[-1] for e in events})
            for event in events:
                check_event(event)
        outcome = self.project.weir("lineage", "totals", "--event", "run", "--format", "openlineage")
        self.assertEqual(2, outcome.code)
        self.assertIn("no run has built the view `totals`", outcome.stderr)
        self.project.run()
        runs = self.events("--event", "run")
        for event in runs:
            check_event(event)
            self.assertEqual("COMPLETE", event["eventType"])
        self.assertEqual(len(runs), len({event["run"]["runId"] for event in runs}))

    def test_an_event_says_where_and_how(self):
        (event,) = self.events("totals")
        local = naming.LocalFileSystem(path=str(self.project.table_path("totals").resolve()))
        (output,) = event["outputs"]
        self.assertEqual((local.get_namespace(), local.get_name()), (output["namespace"], output["name"]))
        fields = output["facets"]["columnLineage"]["fields"]
        (total,) = fields["total"]["inputFields"]
        self.assertEqual([("DIRECT", "AGGREGATION")], [(s["type"], s["subtype"]) for s in total["transformations"]])
        (row,) = output["facets"]["columnLineage"]["dataset"]
        self.assertEqual(("customer", "GROUP_BY"), (row["field"], row["transformations"][0]["subtype"]))
        packed = output["facets"]["schema"]["fields"][2]
        self.assertEqual(["low", "n"], [field["name"] for field in packed["fields"]])
        self.assertEqual(3, packed["ordinal_position"])
        self.assertEqual(["paid"], [dataset["name"].rsplit("/", 1)[-1] for dataset in event["inputs"]])
        self.assertEqual(3, len(self.events("lows", "--upstream")))
