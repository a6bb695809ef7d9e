"""What the shop's own system (Shopify) exports: customers, orders with lines, refunds and parcels, and checkouts."""

import polars as pl

from ingestion.demo import shop_damage
from ingestion.demo.damage import Damage, Draft, Shape
from ingestion.demo.ids import shopify_ids
from ingestion.demo.shop import Shop
from ingestion.demo.write import TIME_FORMAT, Exports

SHAPES = {
    "customers": Shape(version="updated_at", dated_by="created_at"),
    "orders": Shape(version="updated_at", dated_by="created_at"),
    "order_lines": Shape(),
    "order_line_refunds": Shape(dated_by="created_at"),
    "fulfillments": Shape(version="updated_at", dated_by="created_at"),
    "abandoned_checkouts": Shape(version="updated_at", dated_by="created_at"),
}
WARES = ("Teapot", "Blanket", "Lamp", "Notebook", "Candle", "Bowl", "Cushion", "Apron", "Vase", "Basket")
KINDS = ("Oak", "Linen", "Copper", "Slate", "Wool", "Birch", "Clay", "Cotton", "Amber", "Moss", "Cobalt", "Ivory")
# One in so many orders names a phone number, one in so many waiting ones is unpaid, and one in so many baskets was left
# before an address was typed.
PHONE_ORDERS, UNPAID_ORDERS, NAMELESS_CHECKOUTS = 2, 5, 10


def exports(shop: Shop, damage: Damage) -> Exports:
    """Shopify's files and their truth.

    Truth: `records` and `damaged`; `shop_orders`: record_id, entity_id, ordered_at, total_cents, is_test;
    `shopper_months`: entity_id, month, satisfaction, reorder_hazard, has_reordered (see `purchases.true_hazards`).
    """
    customers = customers_of(shop)
    tables = {
        "customers": _customers(shop),
        "orders": _orders(shop),
        "order_lines": _lines(shop),
        "order_line_refunds": _refunds(shop),
        "fulfillments": _parcels(shop),
        "abandoned_checkouts": _checkouts(shop),
    }
    draft = Draft("shopify", shop.seeds, damage, SHAPES, tables)
    shop_damage.share_addresses(draft, shop.shoppers, customers)
    seconds = shop_damage.add_second_records(draft, shop.orders, customers, shop.private_emails)
    shop_damage.note_buyers(draft, shop.orders, seconds)
    tests = shop_damage.add_tests(draft)
    shop_damage.misspell(draft)
    draft.time_zones("orders", "created_at")
    shop_damage.deliver(draft)
    firsts = customers.select("shopper", record_id=shopify_ids("customers", customers["shopper"]))
    records = pl.concat(
        [
            party_records(shop, "shopify", "customers", pl.concat([firsts, seconds], how="diagonal")),
            _test_records(tests),
        ]
    )
    months = shop.shopper_months.join(entity_ids(shop), on="shopper", how="left", maintain_order="left")
    return draft.exports(
        {
            "records": records,
            "shop_orders": _order_truth(shop, tests),
            "shopper_months": months.select("entity_id", pl.all().exclude("entity_id", "entity_type", "shopper")),
        }
    )


def entity_ids(shop: Shop) -> pl.DataFrame:
    """shopper, entity_type, entity_id: a shopper who is one of the companies' people goes by that."""
    person = pl.col("person")
    return shop.shoppers.select(
        "shopper",
        entity_type=pl.when(person.is_null()).then(pl.lit("shopper")).otherwise(pl.lit("person")),
        entity_id=pl.when(person.is_null())
        .then(pl.format("shopper-{}", "shopper"))
        .otherwise(pl.format("person-{}", person)),
    )


def customers_of(shop: Shop) -> pl.DataFrame:
    """The shoppers of whom the shop has a record: with an account, or with an order under their name."""
    named = shop.orders.filter(~pl.col("is_unnamed"))["shopper"].unique()
    return shop.shoppers.filter(pl.col("has_account") | pl.col("shopper").is_in(named.implode()))


def euros(cents: str) -> pl.Expr:
    """Whole cents as decimal text."""
    whole, rest = pl.col(cents) // 100, pl.col(cents) % 100
    return whole.cast(pl.String) + "." + rest.cast(pl.String).str.zfill(2)


def _customers(shop: Shop) -> pl.DataFrame:
    latest = shop.orders.group_by("shopper").agg(ordered_at=pl.col("ordered_at").max())
    them = customers_of(shop).join(latest, on="shopper", how="left", maintain_order="left")
    return them.select(
        id=shopify_ids("customers", them["shopper"]),
        email="email",
        phone="phone",
        first_name="first_name",
        last_name="last_name",
        default_address_address_1="street",
        default_address_city="city",
        default_address_zip="postal_code",
        default_address_country_code="country",
        accepts_marketing=pl.col("has_mail_consent") & pl.col("unsubscribed_at").is_null(),
        state=pl.when("has_account").then(pl.lit("enabled")).otherwise(pl.lit("disabled")),
        tags=pl.when("is_member").then(pl.lit("loyalty")),
        merged_into_id=pl.lit(None, pl.String),
        created_at="registered_at",
        updated_at=pl.max_horizontal("registered_at", "ordered_at", "unsubscribed_at"),
    )


def _orders(shop: Shop) -> pl.DataFrame:
    refunds = shop.refunds.group_by("order").agg(
        returned=pl.col("quantity").sum(), refunded_at=pl.col("refunded_at").max()
    )
    sold = shop.lines.group_by("order").agg(sold=pl.col("quantity").sum())
    buyers = shop.shoppers.select("shopper", "email", "phone", "postal_code", "country")
    orders = shop.orders
    for other in (refunds, sold):
        orders = orders.join(other, on="order", how="left", maintain_order="left")
    orders = orders.join(buyers, on="shopper", how="left", maintain_order="left")
    is_sent, is_cancelled = pl.col("sent_at").is_not_null(), pl.col("cancelled_at").is_not_null()
    return orders.select(
        id=shopify_ids("orders", orders["order"]),
        name=pl.format("#{}", pl.col("order") + 1001),
        customer_id=pl.when(~pl.col("is_unnamed")).then(shopify_ids("customers", orders["shopper"])),
        email=pl.when(~pl.col("is_unnamed")).then("email"),
        phone=pl.when(~pl.col("is_unnamed") & (pl.col("order") % PHONE_ORDERS == 0)).then("phone"),
        currency=pl.lit("EUR"),
        subtotal_price=euros("subtotal_cents"),
        total_discounts=euros("discount_cents"),
        total_shipping=euros("shipping_cents"),
        total_tax=euros("tax_cents"),
        total_price=euros("total_cents"),
        financial_status=pl.when(pl.col("returned") == pl.col("sold"))
        .then(pl.lit("refunded"))
        .when(pl.col("returned").is_not_null())
        .then(pl.lit("partially_refunded"))
        .when(~is_sent & ~is_cancelled & (pl.col("order") % UNPAID_ORDERS == 0))
        .then(pl.lit("pending"))
        .otherwise(pl.lit("paid")),
        fulfillment_status=pl.when(is_sent).then(pl.lit("fulfilled")),
        discount_codes="discount_code",
        source_name="channel",
        shipping_address_zip=pl.when(~pl.col("is_unnamed")).then("postal_code"),
        shipping_address_country_code="country",
        test=pl.lit(value=False),
        cancelled_at="cancelled_at",
        created_at="ordered_at",
        updated_at=pl.max_horizontal("ordered_at", "cancelled_at", "sent_at", "delivered_at", "refunded_at"),
    )


def _lines(shop: Shop) -> pl.DataFrame:
    product = shop.lines["product"]
    titles = pl.Series([f"{kind} {ware}" for kind in KINDS for ware in WARES], dtype=pl.String)
    return shop.lines.select(
        id=shopify_ids("order_lines", shop.lines["line"]),
        order_id=shopify_ids("orders", shop.lines["order"]),
        product_id=shopify_ids("products", product),
        sku=pl.format("SKU-{}", pl.col("product").cast(pl.String).str.zfill(3)),
        title=titles.gather(product),
        quantity="quantity",
        price=euros("price_cents"),
        total_discount=euros("discount_cents"),
    )


def _refunds(shop: Shop) -> pl.DataFrame:
    refunds = shop.refunds
    return refunds.select(
        id=shopify_ids("order_line_refunds", refunds["refund"]),
        refund_id=shopify_ids("refunds", refunds["order"]),
        order_line_id=shopify_ids("order_lines", refunds["line"]),
        quantity="quantity",
        subtotal=euros("cents"),
        restock_type=pl.when("is_cancellation").then(pl.lit("cancel")).otherwise(pl.lit("return")),
        created_at="refunded_at",
    )


def _parcels(shop: Shop) -> pl.DataFrame:
    parcels = shop.parcels
    is_there = pl.col("delivered_at").is_not_null()
    return parcels.select(
        id=shopify_ids("fulfillments", parcels["parcel"]),
        order_id=shopify_ids("orders", parcels["order"]),
        status=pl.lit("success"),
        shipment_status=pl.when(is_there).then(pl.lit("delivered")).otherwise(pl.lit("in_transit")),
        estimated_delivery_at="promised_at",
        delivered_at="delivered_at",
        created_at="sent_at",
        updated_at=pl.coalesce("delivered_at", "sent_at"),
    )


def _checkouts(shop: Shop) -> pl.DataFrame:
    checkouts = shop.checkouts.join(shop.shoppers, on="shopper", how="left", maintain_order="left")
    has_record = checkouts["shopper"].is_in(customers_of(shop)["shopper"].implode())
    return checkouts.select(
        id=shopify_ids("abandoned_checkouts", checkouts["checkout"]),
        customer_id=pl.when(has_record).then(shopify_ids("customers", checkouts["shopper"])),
        email=pl.when(pl.col("checkout") % NAMELESS_CHECKOUTS > 0).then("email"),
        currency=pl.lit("EUR"),
        total_price=euros("total_cents"),
        completed_at="completed_at",
        created_at="began_at",
        updated_at=pl.coalesce("completed_at", "began_at"),
    )


def party_records(shop: Shop, source: str, table: str, records: pl.DataFrame) -> pl.DataFrame:
    """Truth of who is who: `records` (shopper, record_id, and damage where there is any) of a table of parties."""
    known = records.join(entity_ids(shop), on="shopper", how="left", maintain_order="left")
    return known.select(
        source=pl.lit(source),
        table=pl.lit(table),
        record_id="record_id",
        entity_type="entity_type",
        entity_id="entity_id",
        is_test=pl.lit(value=False),
        damage="damage" if "damage" in known.columns else pl.lit(None, pl.String),
    )


def _test_records(tests: pl.DataFrame) -> pl.DataFrame:
    return tests.select(
        source=pl.lit("shopify"),
        table=pl.lit("customers"),
        record_id="customer_id",
        entity_type=pl.lit("shopper"),
        entity_id=pl.format("shopper-test-{}", pl.int_range(pl.len())),
        is_test=pl.lit(value=True),
        damage=pl.lit("test_account"),
    )


def _order_truth(shop: Shop, tests: pl.DataFrame) -> pl.DataFrame:
    """Whose each order truly is, also where its record doesn't say."""
    orders = shop.orders.join(entity_ids(shop), on="shopper", how="left", maintain_order="left")
    return pl.concat(
        [
            orders.select(
                record_id=shopify_ids("orders", orders["order"]),
                entity_id="entity_id",
                ordered_at="ordered_at",
                total_cents="total_cents",
                is_test=pl.lit(value=False),
            ),
            tests.select(
                record_id="order_id",
                entity_id=pl.format("shopper-test-{}", pl.int_range(pl.len())),
                ordered_at=pl.col("created_at").str.to_datetime(TIME_FORMAT, time_unit="us"),
                total_cents=pl.col("total_price").str.replace(".", "", literal=True).cast(pl.Int64),
                is_test=pl.lit(value=True),
            ),
        ]
    )
