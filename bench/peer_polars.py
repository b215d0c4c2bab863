# SPDX-License-Identifier: Apache-2.0
"""The 22 queries of TPC-H as lazy frames of polars, which speaks no SQL of their kind (correlated subqueries).

In: the eight tables. Out: a lazy frame a query, with the columns that the SQL text names, in its order. Joins stand in the order that
keeps most rows out early, as polars wants them written.
"""

from datetime import date

import polars as pl
from polars import col, len as count, lit, when


class Tables:
    """Lazy frames by name, as attributes."""

    def __init__(self, frames: dict[str, pl.LazyFrame]):
        self.__dict__.update(frames)


REVENUE = col("l_extendedprice") * (1 - col("l_discount"))


def q1(t):
    return (t.lineitem.filter(col("l_shipdate") <= date(1998, 9, 2))
            .group_by("l_returnflag", "l_linestatus")
            .agg(col("l_quantity").sum().alias("sum_qty"), col("l_extendedprice").sum().alias("sum_base_price"),
                 REVENUE.sum().alias("sum_disc_price"), (REVENUE * (1 + col("l_tax"))).sum().alias("sum_charge"),
                 col("l_quantity").mean().alias("avg_qty"), col("l_extendedprice").mean().alias("avg_price"),
                 col("l_discount").mean().alias("avg_disc"), count().alias("count_order"))
            .sort("l_returnflag", "l_linestatus"))


def q2(t):
    offers = (t.region.filter(col("r_name") == "EUROPE")
              .join(t.nation, left_on="r_regionkey", right_on="n_regionkey")
              .join(t.supplier, left_on="n_nationkey", right_on="s_nationkey")
              .join(t.partsupp, left_on="s_suppkey", right_on="ps_suppkey")
              .join(t.part.filter((col("p_size") == 15) & col("p_type").str.ends_with("BRASS")),
                    left_on="ps_partkey", right_on="p_partkey"))
    cheapest = offers.group_by("ps_partkey").agg(col("ps_supplycost").min())
    return (offers.join(cheapest, on=["ps_partkey", "ps_supplycost"])
            .select("s_acctbal", "s_name", "n_name", col("ps_partkey").alias("p_partkey"), "p_mfgr", "s_address", "s_phone",
                    "s_comment")
            .sort("s_acctbal", "n_name", "s_name", "p_partkey", descending=[True, False, False, False]).head(100))


def q3(t):
    return (t.customer.filter(col("c_mktsegment") == "BUILDING")
            .join(t.orders.filter(col("o_orderdate") < date(1995, 3, 15)), left_on="c_custkey", right_on="o_custkey")
            .join(t.lineitem.filter(col("l_shipdate") > date(1995, 3, 15)), left_on="o_orderkey", right_on="l_orderkey")
            .group_by("o_orderkey", "o_orderdate", "o_shippriority").agg(REVENUE.sum().alias("revenue"))
            .select(col("o_orderkey").alias("l_orderkey"), "revenue", "o_orderdate", "o_shippriority")
            .sort("revenue", "o_orderdate", descending=[True, False]).head(10))


def q4(t):
    late = t.lineitem.filter(col("l_commitdate") < col("l_receiptdate"))
    return (t.orders.filter(col("o_orderdate").is_between(date(1993, 7, 1), date(1993, 10, 1), closed="left"))
            .join(late, left_on="o_orderkey", right_on="l_orderkey", how="semi")
            .group_by("o_orderpriority").agg(count().alias("order_count")).sort("o_orderpriority"))


def q5(t):
    return (t.region.filter(col("r_name") == "ASIA")
            .join(t.nation, left_on="r_regionkey", right_on="n_regionkey")
            .join(t.customer, left_on="n_nationkey", right_on="c_nationkey")
            .join(t.orders.filter(col("o_orderdate").is_between(date(1994, 1, 1), date(1995, 1, 1), closed="left")),
                  left_on="c_custkey", right_on="o_custkey")
            .join(t.lineitem, left_on="o_orderkey", right_on="l_orderkey")
            .join(t.supplier, left_on=["l_suppkey", "n_nationkey"], right_on=["s_suppkey", "s_nationkey"])
            .group_by("n_name").agg(REVENUE.sum().alias("revenue")).sort("revenue", descending=True))


def q6(t):
    return (t.lineitem.filter(col("l_shipdate").is_between(date(1994, 1, 1), date(1995, 1, 1), closed="left"),
                              col("l_discount").is_between(lit("0.05").cast(pl.Decimal(15, 2)), lit("0.07").cast(pl.Decimal(15, 2))),
                              col("l_quantity") < 24)
            .select((col("l_extendedprice") * col("l_discount")).sum().alias("revenue")))


def q7(t):
    def side(buyer, seller):
        return (t.nation.filter(col("n_name") == buyer)
                .join(t.customer, left_on="n_nationkey", right_on="c_nationkey")
                .join(t.orders, left_on="c_custkey", right_on="o_custkey").rename({"n_name": "cust_nation"})
                .join(t.lineitem.filter(col("l_shipdate").is_between(date(1995, 1, 1), date(1996, 12, 31))),
                      left_on="o_orderkey", right_on="l_orderkey")
                .join(t.supplier.join(t.nation.filter(col("n_name") == seller), left_on="s_nationkey", right_on="n_nationkey"),
                      left_on="l_suppkey", right_on="s_suppkey").rename({"n_name": "supp_nation"})
                .select("supp_nation", "cust_nation", col("l_shipdate").dt.year().alias("l_year"), REVENUE.alias("volume")))

    return (pl.concat([side("GERMANY", "FRANCE"), side("FRANCE", "GERMANY")])
            .group_by("supp_nation", "cust_nation", "l_year").agg(col("volume").sum().alias("revenue"))
            .sort("supp_nation", "cust_nation", "l_year"))


def q8(t):
    american = (t.region.filter(col("r_name") == "AMERICA").join(t.nation, left_on="r_regionkey", right_on="n_regionkey")
                .join(t.customer, left_on="n_nationkey", right_on="c_nationkey").select("c_custkey"))
    return (t.part.filter(col("p_type") == "ECONOMY ANODIZED STEEL")
            .join(t.lineitem, left_on="p_partkey", right_on="l_partkey")
            .join(t.orders.filter(col("o_orderdate").is_between(date(1995, 1, 1), date(1996, 12, 31))),
                  left_on="l_orderkey", right_on="o_orderkey")
            .join(american, left_on="o_custkey", right_on="c_custkey")
            .join(t.supplier, left_on="l_suppkey", right_on="s_suppkey")
            .join(t.nation, left_on="s_nationkey", right_on="n_nationkey")
            .select(col("o_orderdate").dt.year().alias("o_year"), REVENUE.cast(pl.Float64).alias("volume"), "n_name")
            .group_by("o_year")
            .agg((when(col("n_name") == "BRAZIL").then(col("volume")).otherwise(0).sum() / col("volume").sum()).alias("mkt_share"))
            .sort("o_year"))


def q9(t):
    return (t.part.filter(col("p_name").str.contains("green", literal=True))
            .join(t.partsupp, left_on="p_partkey", right_on="ps_partkey")
            .join(t.supplier, left_on="ps_suppkey", right_on="s_suppkey")
            .join(t.nation, left_on="s_nationkey", right_on="n_nationkey")
            .join(t.lineitem, left_on=["p_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"])
            .join(t.orders, left_on="l_orderkey", right_on="o_orderkey")
            .select(col("n_name").alias("nation"), col("o_orderdate").dt.year().alias("o_year"),
                    (REVENUE - col("ps_supplycost") * col("l_quantity")).alias("amount"))
            .group_by("nation", "o_year").agg(col("amount").sum().alias("sum_profit"))
            .sort("nation", "o_year", descending=[False, True]))


def q10(t):
    keys = ["c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment"]
    return (t.customer
            .join(t.orders.filter(col("o_orderdate").is_between(date(1993, 10, 1), date(1994, 1, 1), closed="left")),
                  left_on="c_custkey", right_on="o_custkey")
            .join(t.lineitem.filter(col("l_returnflag") == "R"), left_on="o_orderkey", right_on="l_orderkey")
            .join(t.nation, left_on="c_nationkey", right_on="n_nationkey")
            .group_by(keys).agg(REVENUE.sum().alias("revenue"))
            .select("c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment")
            .sort("revenue", descending=True).head(20))


def q11(t):
    german = (t.nation.filter(col("n_name") == "GERMANY")
              .join(t.supplier, left_on="n_nationkey", right_on="s_nationkey")
              .join(t.partsupp, left_on="s_suppkey", right_on="ps_suppkey")
              .select("ps_partkey", (col("ps_supplycost") * col("ps_availqty")).alias("value")))
    total = german.select(col("value").sum().cast(pl.Float64).alias("total"))
    return (german.group_by("ps_partkey").agg(col("value").sum()).join(total, how="cross")
            .filter(col("value").cast(pl.Float64) > col("total") * 0.0001).select("ps_partkey", "value")
            .sort("value", descending=True))


def q12(t):
    urgent = col("o_orderpriority").is_in(["1-URGENT", "2-HIGH"])
    return (t.lineitem.filter(col("l_shipmode").is_in(["MAIL", "SHIP"]), col("l_commitdate") < col("l_receiptdate"),
                              col("l_shipdate") < col("l_commitdate"),
                              col("l_receiptdate").is_between(date(1994, 1, 1), date(1995, 1, 1), closed="left"))
            .join(t.orders, left_on="l_orderkey", right_on="o_orderkey")
            .group_by("l_shipmode").agg(urgent.sum().cast(pl.Int64).alias("high_line_count"),
                                        (~urgent).sum().cast(pl.Int64).alias("low_line_count"))
            .sort("l_shipmode"))


def q13(t):
    plain = t.orders.filter(~col("o_comment").str.contains("special.*requests"))
    return (t.customer.join(plain, left_on="c_custkey", right_on="o_custkey", how="left")
            .group_by("c_custkey").agg(col("o_orderkey").count().alias("c_count"))
            .group_by("c_count").agg(count().alias("custdist"))
            .sort("custdist", "c_count", descending=True))


def q14(t):
    revenue = REVENUE.cast(pl.Float64)
    return (t.lineitem.filter(col("l_shipdate").is_between(date(1995, 9, 1), date(1995, 10, 1), closed="left"))
            .join(t.part, left_on="l_partkey", right_on="p_partkey")
            .select((100.0 * when(col("p_type").str.starts_with("PROMO")).then(revenue).otherwise(0).sum() / revenue.sum())
                    .alias("promo_revenue")))


def q15(t):
    revenue = (t.lineitem.filter(col("l_shipdate").is_between(date(1996, 1, 1), date(1996, 4, 1), closed="left"))
               .group_by("l_suppkey").agg(REVENUE.sum().alias("total_revenue")))
    return (revenue.filter(col("total_revenue") == col("total_revenue").max())
            .join(t.supplier, left_on="l_suppkey", right_on="s_suppkey")
            .select(col("l_suppkey").alias("s_suppkey"), "s_name", "s_address", "s_phone", "total_revenue").sort("s_suppkey"))


def q16(t):
    complained = t.supplier.filter(col("s_comment").str.contains("Customer.*Complaints"))
    return (t.part.filter(col("p_brand") != "Brand#45", ~col("p_type").str.starts_with("MEDIUM POLISHED"),
                          col("p_size").is_in([49, 14, 23, 45, 19, 3, 36, 9]))
            .join(t.partsupp, left_on="p_partkey", right_on="ps_partkey")
            .join(complained, left_on="ps_suppkey", right_on="s_suppkey", how="anti")
            .group_by("p_brand", "p_type", "p_size").agg(col("ps_suppkey").n_unique().cast(pl.Int64).alias("supplier_cnt"))
            .sort("supplier_cnt", "p_brand", "p_type", "p_size", descending=[True, False, False, False]))


def q17(t):
    lines = (t.part.filter(col("p_brand") == "Brand#23", col("p_container") == "MED BOX")
             .join(t.lineitem, left_on="p_partkey", right_on="l_partkey")
             .select("p_partkey", col("l_quantity").cast(pl.Float64), "l_extendedprice"))
    usual = lines.group_by("p_partkey").agg((0.2 * col("l_quantity").mean()).alias("usual"))
    return (lines.join(usual, on="p_partkey").filter(col("l_quantity") < col("usual"))
            .select((col("l_extendedprice").sum().cast(pl.Float64) / 7.0).alias("avg_yearly")))


def q18(t):
    large = t.lineitem.group_by("l_orderkey").agg(col("l_quantity").sum().alias("sum_quantity")).filter(col("sum_quantity") > 300)
    keys = ["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice"]
    return (large.join(t.orders, left_on="l_orderkey", right_on="o_orderkey", coalesce=False)
            .join(t.customer, left_on="o_custkey", right_on="c_custkey", coalesce=False)
            # The sum over an order's lines is the one that chose the order.
            .select(*keys, "sum_quantity").sort("o_totalprice", "o_orderdate", descending=[True, False]).head(100))


def q19(t):
    def kind(brand, containers, quantity, size):
        return ((col("p_brand") == brand) & col("p_container").is_in(containers)
                & col("l_quantity").is_between(quantity, quantity + 10) & col("p_size").is_between(1, size))

    return (t.part
            .join(t.lineitem.filter(col("l_shipmode").is_in(["AIR", "AIR REG"]), col("l_shipinstruct") == "DELIVER IN PERSON"),
                  left_on="p_partkey", right_on="l_partkey")
            .filter(kind("Brand#12", ["SM CASE", "SM BOX", "SM PACK", "SM PKG"], 1, 5)
                    | kind("Brand#23", ["MED BAG", "MED BOX", "MED PKG", "MED PACK"], 10, 10)
                    | kind("Brand#34", ["LG CASE", "LG BOX", "LG PACK", "LG PKG"], 20, 15))
            .select(REVENUE.sum().alias("revenue")))


def q20(t):
    forest = t.part.filter(col("p_name").str.starts_with("forest"))
    shipped = (t.lineitem.filter(col("l_shipdate").is_between(date(1994, 1, 1), date(1995, 1, 1), closed="left"))
               .join(forest, left_on="l_partkey", right_on="p_partkey", how="semi")
               .group_by("l_partkey", "l_suppkey").agg((0.5 * col("l_quantity").sum().cast(pl.Float64)).alias("half")))
    ample = (t.partsupp.join(forest, left_on="ps_partkey", right_on="p_partkey", how="semi")
             .join(shipped, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"])
             .filter(col("ps_availqty") > col("half")))
    return (t.supplier.join(t.nation.filter(col("n_name") == "CANADA"), left_on="s_nationkey", right_on="n_nationkey")
            .join(ample, left_on="s_suppkey", right_on="ps_suppkey", how="semi")
            .select("s_name", "s_address").sort("s_name"))


def q21(t):
    late = t.lineitem.filter(col("l_receiptdate") > col("l_commitdate"))
    several = (t.lineitem.group_by("l_orderkey").agg(col("l_suppkey").n_unique().alias("suppliers"))
               .filter(col("suppliers") > 1))
    culprits = late.group_by("l_orderkey").agg(col("l_suppkey").n_unique().alias("culprits")).filter(col("culprits") == 1)
    return (late.join(several, on="l_orderkey", how="semi").join(culprits, on="l_orderkey", how="semi")
            .join(t.supplier.join(t.nation.filter(col("n_name") == "SAUDI ARABIA"), left_on="s_nationkey", right_on="n_nationkey"),
                  left_on="l_suppkey", right_on="s_suppkey")
            .join(t.orders.filter(col("o_orderstatus") == "F"), left_on="l_orderkey", right_on="o_orderkey", how="semi")
            .group_by("s_name").agg(count().alias("numwait"))
            .sort("numwait", "s_name", descending=[True, False]).head(100))


def q22(t):
    able = (t.customer.with_columns(col("c_phone").str.slice(0, 2).alias("cntrycode"))
            .filter(col("cntrycode").is_in(["13", "31", "23", "29", "30", "18", "17"])))
    usual = able.filter(col("c_acctbal") > 0).select(col("c_acctbal").cast(pl.Float64).mean().alias("usual"))
    return (able.join(usual, how="cross").filter(col("c_acctbal").cast(pl.Float64) > col("usual"))
            .join(t.orders, left_on="c_custkey", right_on="o_custkey", how="anti")
            .group_by("cntrycode").agg(count().alias("numcust"), col("c_acctbal").sum().alias("totacctbal")).sort("cntrycode"))


QUERIES = {f"q{number}": globals()[f"q{number}"] for number in range(1, 23)}
