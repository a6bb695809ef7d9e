"""The shop's own system: its contract holds, its money agrees, and the truth lists all that is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest

from ingestion.contracts import Contracts
from ingestion.demo.damage import DEFAULT, NONE
from ingestion.demo.shop import Shop
from ingestion.demo.storefront import exports
from tests.ingestion.demo.shop_loads import Loaded, check_clean, check_damage, load_shop, shop_of


@pytest.fixture(scope="module")
def shop() -> Shop:
    return shop_of(4000, people=True)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, shop: Shop, contracts: Contracts) -> Iterator[Loaded]:
    loaded = load_shop(tmp_path_factory.mktemp("clean"), "shopify", exports, shop, NONE, contracts)
    yield loaded
    loaded.con.close()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, shop: Shop, contracts: Contracts) -> Iterator[Loaded]:
    loaded = load_shop(tmp_path_factory.mktemp("damaged"), "shopify", exports, shop, DEFAULT, contracts)
    yield loaded
    loaded.con.close()


def test_undamaged_rows_fulfil_their_contract(clean: Loaded) -> None:
    check_clean(clean)


def test_the_truth_lists_all_damage_and_nothing_else(damaged: Loaded, clean: Loaded) -> None:
    check_damage(damaged, clean)
    kinds = set(damaged.exports.truth["damaged"]["damage"])
    assert kinds == {
        "duplicate", "merged", "name_variant", "address_variant", "phone_variant", "null_like", "parents_email",
        "shared_phone", "test_account", "test_order", "time_zone", "late", "twice_delivered", "corrected", "broken_row",
        "added_column", "other_buyer",
    }  # fmt: skip


@pytest.mark.parametrize("which", ["clean", "damaged"])
def test_money_agrees_to_the_cent(which: str, request: pytest.FixtureRequest) -> None:
    loaded: Loaded = request.getfixturevalue(which)
    assert loaded.query("""
        with lines as (
            select order_id, sum(price * quantity - total_discount) as subtotal, sum(total_discount) as discounts
            from raw_shopify.order_lines where _superseded_by is null group by all
        )
        select orders.id from raw_shopify.orders left join lines on lines.order_id = orders.id
        where _superseded_by is null and (
            subtotal_price is distinct from subtotal or total_discounts is distinct from discounts
            or total_price <> subtotal_price + total_shipping + total_tax or currency <> 'EUR'
        )
    """).is_empty()
    assert loaded.query("""
        with refunds as (
            select order_line_id, sum(subtotal) as subtotal, sum(quantity) as quantity
            from raw_shopify.order_line_refunds where _superseded_by is null group by all
        )
        select lines.id from raw_shopify.order_lines lines join refunds on refunds.order_line_id = lines.id
        where _superseded_by is null and (
            refunds.subtotal > price * lines.quantity - total_discount or refunds.quantity > lines.quantity
        )
    """).is_empty()


def test_revenue_is_what_truly_was_paid(damaged: Loaded, shop: Shop) -> None:
    orders = damaged.current("orders").join(damaged.exports.truth["shop_orders"], left_on="id", right_on="record_id")
    assert len(orders) == len(damaged.exports.truth["shop_orders"])
    assert (orders["total_price"] * 100).cast(pl.Int64).equals(orders["total_cents"], check_names=False)
    assert orders["created_at"].equals(orders["ordered_at"], check_names=False)
    real = orders.filter(~pl.col("is_test"))
    assert real["total_cents"].sum() == shop.orders["total_cents"].sum()
    # Three in four test orders say so.
    tests = orders.filter("is_test")
    assert 0.6 < tests["test"].mean() < 0.9
    assert not real["test"].any()


def test_orders_say_what_became_of_them(clean: Loaded, shop: Shop) -> None:
    orders = clean.query("""
        select
            count(*) filter (financial_status = 'refunded') as refunded,
            count(*) filter (cancelled_at is not null) as cancelled,
            count(*) filter (cancelled_at is not null and financial_status <> 'refunded') as kept,
            count(*) filter (customer_id is null) as unnamed,
            count(*) filter (customer_id is null and (email is not null or shipping_address_zip is not null)) as told,
            count(*) filter (fulfillment_status is null) as waiting
        from raw_shopify.orders
    """).row(0, named=True)
    assert orders["refunded"] > orders["cancelled"] == shop.orders["is_cancelled"].sum() > 50
    assert orders["kept"] == orders["told"] == 0
    assert orders["unnamed"] == shop.orders["is_unnamed"].sum() > 50
    assert orders["waiting"] == shop.orders["sent_at"].is_null().sum()
    parcels = clean.query("""
        select
            avg((delivered_at::date > estimated_delivery_at::date)::int) as late,
            count(*) filter (shipment_status = 'in_transit' and delivered_at is null) as under_way
        from raw_shopify.fulfillments
    """).row(0, named=True)
    assert 0.08 < parcels["late"] < 0.2
    assert parcels["under_way"] > 0


def test_records_tell_who_is_who(damaged: Loaded, shop: Shop) -> None:
    records = damaged.exports.truth["records"]
    customers = damaged.current("customers").join(records, left_on="id", right_on="record_id", how="full")
    assert customers["record_id"].null_count() == customers["id"].null_count() == 0
    by_entity = records.group_by("entity_id").len()
    assert by_entity["len"].max() == 2
    assert len(records.filter(pl.col("entity_type") == "person")) > 30
    merged = customers.filter(pl.col("merged_into_id").is_not_null()).join(
        records, left_on="merged_into_id", right_on="record_id", suffix="_of_target"
    )
    assert len(merged) == records["damage"].eq_missing("merged").sum() > 20
    assert merged["entity_id"].equals(merged["entity_id_of_target"], check_names=False)
    # Orders hang on second records too, and those of merged ones still do.
    orders = damaged.current("orders").join(records, left_on="customer_id", right_on="record_id")
    orders = orders.join(damaged.exports.truth["shop_orders"], left_on="id", right_on="record_id", suffix="_true")
    assert orders["entity_id"].equals(orders["entity_id_true"], check_names=False)
    assert set(orders["damage"].drop_nulls()) == {"duplicate", "merged", "test_account"}


def test_children_order_with_a_parents_address(damaged: Loaded, clean: Loaded) -> None:
    damage = damaged.exports.truth["damaged"]
    children = damage.filter(pl.col("damage") == "parents_email")["record_id"]
    assert 20 < len(children) < 80
    emails = damaged.query("""
        select customers.id, orders.email from raw_shopify.orders join raw_shopify.customers
            on customers.id = orders.customer_id and customers._superseded_by is null
        where orders._superseded_by is null
    """).filter(pl.col("id").is_in(children.implode()))
    owners = clean.current("customers").select("email", owner="id")
    shared = emails.unique().join(owners, on="email")
    assert len(shared) == emails["id"].n_unique() > 10
    assert (shared["id"] != shared["owner"]).all()


def test_each_kind_of_damage_can_be_switched_off(shop: Shop) -> None:
    only = {
        "duplicates": {"duplicate"},
        "merged": {"merged"},
        "name_variants": {"name_variant", "phone_variant"},
        "address_variants": {"address_variant"},
        "null_likes": {"null_like"},
        "parents_emails": {"parents_email"},
        "shared_phones": {"shared_phone"},
        "test_accounts": {"test_account", "test_order"},
        "time_zones": {"time_zone"},
        "corrected": {"corrected"},
        "twice_delivered": {"twice_delivered"},
        "broken_rows": {"broken_row"},
        "added_column": {"added_column"},
    }
    for switch, kinds in only.items():
        damage = replace(NONE, **{switch: getattr(DEFAULT, switch)})
        assert set(exports(shop, damage).truth["damaged"]["damage"]) - {"other_buyer"} == kinds, switch


def test_the_same_seed_gives_the_same_files(shop: Shop, damaged: Loaded) -> None:
    again = exports(shop, DEFAULT)
    for table, files in damaged.exports.tables.items():
        for (suffix, frame), (other_suffix, other) in zip(files, again.tables[table], strict=True):
            assert suffix == other_suffix
            assert frame.equals(other)
    assert all(frame.equals(again.truth[name]) for name, frame in damaged.exports.truth.items())


@pytest.mark.parametrize("count", [1, 15])
def test_the_smallest_shops_can_be_exported(count: int) -> None:
    for damage in (NONE, DEFAULT):
        assert exports(shop_of(count), damage).tables["orders"]
