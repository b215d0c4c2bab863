#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a project of many small views for the benchmark.

In: a folder, a number of views, a seed. Out: a Weir project with Delta sources, whose views stand in layers:

    sources ─▶ staging ─▶ joins ─▶ windows ─▶ unions ─▶ reports
               (each layer also reads the layers before it)

Every view but the reports has the same columns and one row an `id`, so that any view may read any before it and none grows. The
same arguments make the same project, byte for byte (the Delta sources: the same rows).
"""

import argparse
import datetime
import pathlib
import random
import sys

import deltalake
import pyarrow

SOURCES = 10
ROWS = 1000
REGIONS = ("north", "south", "east", "west", "centre")
CHANNELS = ("shop", "web", "phone", "partner")
# Shares of the layers; the reports get the rest.
LAYERS = (("stg", 0.25), ("join", 0.25), ("win", 0.2), ("union", 0.1), ("report", 0.2))


def source_rows(rng: random.Random) -> pyarrow.Table:
    first_day = datetime.date(2024, 1, 1)
    return pyarrow.table({
        "id": pyarrow.array(range(ROWS), pyarrow.int64()),
        "customer": pyarrow.array([rng.randrange(200) for _ in range(ROWS)], pyarrow.int64()),
        "region": pyarrow.array([rng.choice(REGIONS) for _ in range(ROWS)], pyarrow.string()),
        "channel": pyarrow.array([rng.choice(CHANNELS + (None,)) for _ in range(ROWS)], pyarrow.string()),
        "day": pyarrow.array([first_day + datetime.timedelta(days=rng.randrange(366)) for _ in range(ROWS)], pyarrow.date32()),
        "amount": pyarrow.array([rng.choice((None, *range(1, 20))) for _ in range(ROWS)], pyarrow.int64()),
        "quantity": pyarrow.array([rng.randrange(1, 12) for _ in range(ROWS)], pyarrow.int64()),
    })


def staging_view(rng: random.Random, source: str) -> str:
    return f"""\
-- Orders of {source}: cleaned, unknown amounts replaced.
WITH cleaned AS (
  SELECT
    id,
    customer,
    lower(trim(region)) AS region,
    coalesce(channel, 'unknown') AS channel,
    day,
    coalesce(amount, {rng.randrange(1, 5)}) AS amount,
    quantity
  FROM {source}
  WHERE quantity <= {rng.randrange(8, 12)}
)
SELECT
  id,
  customer,
  region,
  channel,
  day,
  CASE
    WHEN channel = '{rng.choice(CHANNELS)}' THEN amount + {rng.randrange(1, 9)}
    WHEN region = '{rng.choice(REGIONS)}' THEN amount + {rng.randrange(1, 9)}
    ELSE amount
  END AS amount,
  quantity
FROM cleaned
WHERE id % {rng.randrange(20, 40)} <> {rng.randrange(20)}
"""


def join_view(rng: random.Random, left: str, right: str) -> str:
    return f"""\
-- {left} with what {right} says about the same order.
SELECT
  l.id,
  l.customer,
  l.region,
  coalesce(r.channel, l.channel) AS channel,
  l.day,
  CASE
    WHEN r.amount IS NULL THEN l.amount
    WHEN r.amount > l.amount THEN r.amount
    ELSE l.amount
  END AS amount,
  l.quantity
FROM {left} l
{rng.choice(("JOIN", "LEFT JOIN"))} {right} r
  ON r.id = l.id
  AND r.quantity >= {rng.randrange(1, 4)}
WHERE l.day >= DATE '2024-0{rng.randrange(1, 4)}-01'
  AND l.region <> '{rng.choice(REGIONS)}x'
"""


def window_view(rng: random.Random, source: str) -> str:
    key = rng.choice(("customer", "region", "channel"))
    return f"""\
-- Each order of {source} beside its predecessors of the same {key}.
WITH ranked AS (
  SELECT
    id,
    customer,
    region,
    channel,
    day,
    amount,
    quantity,
    row_number() OVER (PARTITION BY {key} ORDER BY day, id) AS place,
    lag(amount) OVER (PARTITION BY {key} ORDER BY day, id) AS previous_amount,
    max(amount) OVER (
      PARTITION BY {key} ORDER BY day, id
      ROWS BETWEEN {rng.randrange(2, 9)} PRECEDING AND CURRENT ROW
    ) AS greatest_amount
  FROM {source}
)
SELECT
  id,
  customer,
  region,
  channel,
  day,
  coalesce(previous_amount, greatest_amount, amount) AS amount,
  quantity
FROM ranked
WHERE place > {rng.randrange(0, 3)}
"""


def union_view(rng: random.Random, first: str, second: str) -> str:
    parts = rng.randrange(2, 5)
    return f"""\
-- Some orders of {first}, the others of {second}.
SELECT
  id,
  customer,
  region,
  channel,
  day,
  amount,
  quantity
FROM {first}
WHERE id % {parts} = 0
UNION ALL
SELECT
  id,
  customer,
  region,
  channel,
  day,
  amount,
  quantity
FROM {second}
WHERE id % {parts} <> 0
"""


def report_view(rng: random.Random, orders: str, customers: str) -> str:
    key = rng.choice(("region", "channel"))
    return f"""\
-- Turnover of {orders} by {key} and month, for customers who also stand in {customers}.
WITH known AS (
  SELECT customer, count(*) AS orders_known
  FROM {customers}
  GROUP BY customer
  HAVING count(*) >= {rng.randrange(1, 4)}
),
monthly AS (
  SELECT
    o.{key},
    date_part('month', o.day) AS month,
    count(*) AS orders,
    count(DISTINCT o.customer) AS customers,
    sum(o.amount) AS turnover,
    sum(o.quantity) AS pieces
  FROM {orders} o
  JOIN known k ON k.customer = o.customer
  GROUP BY o.{key}, date_part('month', o.day)
)
SELECT
  {key},
  month,
  orders,
  customers,
  turnover,
  pieces,
  CASE WHEN pieces > 0 THEN turnover / pieces ELSE 0 END AS turnover_a_piece,
  sum(turnover) OVER (PARTITION BY {key} ORDER BY month) AS turnover_so_far
FROM monthly
"""


def layer_sizes(views: int) -> dict[str, int]:
    sizes = {name: max(1, int(views * share)) for name, share in LAYERS}
    sizes["report"] = max(0, views - sum(size for name, size in sizes.items() if name != "report"))
    return sizes


def view_texts(views: int, rng: random.Random) -> dict[str, str]:
    """Path and text of every view file."""
    texts: dict[str, str] = {}
    earlier: list[str] = []  # views with the common columns
    for layer, size in layer_sizes(views).items():
        made = []
        for number in range(size):
            name = f"{layer}_{number:04d}"
            if layer == "stg":
                text = staging_view(rng, f"orders_{number % SOURCES}")
            elif layer == "join":
                text = join_view(rng, *pick_two(rng, earlier))
            elif layer == "win":
                text = window_view(rng, rng.choice(earlier))
            elif layer == "union":
                text = union_view(rng, *pick_two(rng, earlier))
            else:
                text = report_view(rng, *pick_two(rng, earlier))
            texts[f"views/{layer}/{name}.sql"] = text
            made.append(name)
        if layer != "report":
            earlier += made
    return texts


def pick_two(rng: random.Random, names: list[str]) -> list[str]:
    return rng.sample(names, 2) if len(names) > 1 else names * 2


def generate(folder: pathlib.Path, views: int, seed: int) -> None:
    """Writes the project. REQUIRES: `folder` is empty or does not exist; `views` is at least 4"""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weir.toml").write_text('[project]\nname = "generated"\nwarehouse = "warehouse"\n')
    (folder / "sources").mkdir()
    for number in range(SOURCES):
        name = f"orders_{number}"
        deltalake.write_deltalake(str(folder / "data" / name), source_rows(rng))
        (folder / "sources" / f"{name}.sql").write_text(
            f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION 'data/{name}';\n")
    for path, text in view_texts(views, rng).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes a project of many small views.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--views", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.views < 4:
        parser.error("--views must be at least 4")
    if arguments.folder.exists() and any(arguments.folder.iterdir()):
        parser.error(f"the folder is not empty: `{arguments.folder}`")
    generate(arguments.folder, arguments.views, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
