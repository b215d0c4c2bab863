# SPDX-License-Identifier: Apache-2.0
"""A small project whose sources and tables lie in object stores, and what its tables must hold, computed without Weir."""

import os
import pathlib

import deltalake
import pyarrow
from store_servers import Store
from weir_project import Outcome, Project

VIEWS = {
    "views/paid.sql": "SELECT id, customer, amount FROM orders WHERE amount > 0",
    # A name that URLs, logs and folders spell in three ways.
    "views/by_country.sql": "CREATE MATERIALIZED VIEW by_country PARTITIONED BY (country) AS\n"
                            "SELECT c.country, count(*) AS orders, sum(p.amount) AS amount FROM paid p JOIN customers c ON c.customer = p.customer "
                            "GROUP BY c.country",
    "views/largest.sql": "SELECT max(amount) AS amount FROM paid",
    "tests/positive.sql": "SELECT * FROM paid WHERE amount <= 0",
}
COUNTRIES = {1: "Côte d'Ivoire", 2: "a/b=c %20", 3: "Peru"}


def orders_csv(orders: list[tuple[int, int, int]]) -> bytes:
    return ("id,customer,amount\n" + "".join(f"{id},{customer},{amount}\n" for id, customer, amount in orders)).encode()


def expected(orders: list[tuple[int, int, int]]) -> dict[str, list[tuple]]:
    """The rows of each view, sorted."""
    paid = [order for order in orders if order[2] > 0]
    of_country: dict[str, list[int]] = {}
    for _, customer, amount in paid:
        of_country.setdefault(COUNTRIES[customer], []).append(amount)
    return {"paid": sorted(paid), "by_country": sorted((country, len(amounts), sum(amounts)) for country, amounts in of_country.items()),
            "largest": [(max((amount for _, _, amount in paid), default=None),)]}


class StoreProject(Project):
    """A project over `store`, with the tables in `warehouse_store`. Every output is searched for the stores' secrets."""

    def __init__(self, folder: pathlib.Path, store: Store, warehouse_store: Store | None = None):
        super().__init__(folder)
        self.store = store
        self.warehouse_store = warehouse_store or store
        self.stores = [store] if warehouse_store is None else [store, warehouse_store]

    def write_all(self) -> None:
        self.write_settings()
        self.write_views_and_sources()
        deltalake.write_deltalake(
            f"{self.store.url}/raw/customers",
            pyarrow.table({"customer": list(COUNTRIES), "country": list(COUNTRIES.values())}), storage_options=self.store.reader_options)

    def write_views_and_sources(self, customers: str = "DELTATABLE") -> None:
        for path, text in VIEWS.items():
            self.write(path, text + "\n")
        self.write("sources/all.sql",
                   f"CREATE EXTERNAL TABLE orders (id BIGINT, customer BIGINT, amount BIGINT) STORED AS CSV LOCATION '{self.store.url}/raw/orders.csv';\n"
                   f"CREATE EXTERNAL TABLE customers STORED AS {customers} LOCATION '{self.store.url}/raw/customers/';\n")

    def write_settings(self, extra: str = "") -> None:
        self.write("weir.toml", f'[project]\nname = "stored"\nwarehouse = "{self.warehouse_store.url}/lake"\n\n'
                   + "\n".join(store.settings() for store in self.stores) + extra)

    def put_orders(self, orders: list[tuple[int, int, int]]) -> None:
        self.store.write("raw/orders.csv", orders_csv(orders))

    def weir(self, *arguments: str, **options) -> Outcome:
        environment = dict(os.environ)
        for store in self.stores:
            environment |= store.environment()
        outcome = super().weir(*arguments, env=environment | options.pop("environment", {}), **options)
        for secret in self.secrets():
            assert secret not in outcome.text, f"weir {arguments} shows a secret:\n{outcome.text}"
        return outcome

    def secrets(self) -> set[str]:
        return {secret for store in self.stores for secret in store.secrets}

    def stored(self, view: str) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(f"{self.warehouse_store.url}/lake/{view}", storage_options=self.warehouse_store.reader_options)

    def version(self, view: str) -> int:
        return self.stored(view).version()

    def rows(self, view: str) -> list[tuple]:
        """The rows of a view's table as delta-rs reads them, sorted."""
        table = self.stored(view).to_pyarrow_table()
        names = {"paid": ["id", "customer", "amount"], "by_country": ["country", "orders", "amount"], "largest": ["amount"]}[view]
        return sorted(zip(*(table.column(name).to_pylist() for name in names)))

    def places_of_secrets(self) -> list[str]:
        """Files of the project, objects of its stores and tables of its warehouse, whose files are compressed, that hold a secret."""
        found = [str(file) for file in self.folder.glob("**/*")
                 if file.is_file() and any(secret.encode() in file.read_bytes() for secret in self.secrets())]
        for store in self.stores:
            found += [path for path in store.list() if any(secret.encode() in store.read(path) for secret in self.secrets())]
        tables = {path.partition("/_delta_log/")[0] for path in self.warehouse_store.list("lake") if "/_delta_log/" in path}
        assert "lake/_weir/settings" in tables, tables
        for table in sorted(tables):
            rows = str(self.stored(table.removeprefix("lake/")).to_pyarrow_table().to_pylist())
            found += [table for secret in self.secrets() if secret in rows]
        return found
