"""What the shop's orders hold and cost: lines, discounts, tax, refunds, parcels, and checkouts left unfinished.

Money is counted in whole cents. Prices are net; an order's total is its lines after discounts, shipping, and the tax
of both.
"""

import numpy as np
import polars as pl

from ingestion.demo.clock import Integers
from ingestion.demo.purchases import ShopCalendar

PRODUCT_COUNT, CATEGORY_COUNT = 120, 6
PRICE_RISE_FACTOR = 1.06
GIFT_SHARE, FAVOURITE_SHARE, SPLIT_SHARE = 0.008, 0.4, 0.06
# The first order's code, and those of sales.
CODES, PERCENTS = ("WELCOME10", "SPRING15", "SALE20"), (10, 15, 20)
SHIPPING_CENTS, FREE_SHIPPING_FROM_CENTS = 490, 6000
TAX_PERCENT = {"DE": 19, "FR": 20, "NL": 21, "AT": 20, "BE": 21, "IT": 22}
CANCELLED_AFTER_DAYS = 0.1
CHECKOUTS_PER_ORDER, LONGEST_CHECKOUT_DAYS, RESUMED_SHARE = 0.3, 90, 0.05


def fill_baskets(
    random: np.random.Generator, orders: pl.DataFrame, shoppers: pl.DataFrame, calendar: ShopCalendar
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines of every order, before points are redeemed, and those that come back.

    Returns: lines (line, order, product, quantity, price_cents, discount_cents) and refunds (line, order, quantity,
    is_cancellation, day).
    """
    category = random.integers(0, CATEGORY_COUNT, len(shoppers))
    place = np.repeat(np.arange(len(orders)), 1 + random.poisson(1.2, len(orders)))
    lines = orders.select("order", "shopper", "day", "had_discount")[place]
    size = len(lines)
    popularity = 1 / np.arange(1, PRODUCT_COUNT + 1) ** 0.8
    product = random.choice(PRODUCT_COUNT, size, p=popularity / popularity.sum())
    # Each shopper has a favourite kind.
    favourite = category[lines["shopper"].to_numpy()] + CATEGORY_COUNT * (product // CATEGORY_COUNT)
    product = np.where(random.random(size) < FAVOURITE_SHARE, favourite, product)
    list_cents = np.round(np.exp(random.normal(3.0, 0.6, PRODUCT_COUNT))) * 100 - 10
    month = calendar.month(lines["day"].to_numpy())
    risen = np.round(list_cents * PRICE_RISE_FACTOR / 10) * 10
    price = np.where(calendar.is_price_raised[month], risen[product], list_cents[product])
    price = np.where(random.random(size) < GIFT_SHARE, 0, price).astype(np.int64)
    quantity = random.geometric(0.75, size)
    percent = np.array(PERCENTS)[code_of(orders)][lines["order"].to_numpy()]
    discount = np.where(lines["had_discount"].to_numpy(), price * quantity * percent // 100, 0)
    lines = lines.select(
        line=pl.int_range(pl.len(), dtype=pl.Int64),
        order="order",
        product=pl.Series(product),
        quantity=pl.Series(quantity),
        price_cents=pl.Series(price),
        discount_cents=pl.Series(discount),
    )
    return lines, _returns(random, orders, lines)


def code_of(orders: pl.DataFrame) -> Integers:
    """Which discount an order may have had: the first order's, or one of two sales'."""
    number, order = orders["number"].to_numpy(), orders["order"].to_numpy()
    return np.asarray(np.where(number == 1, 0, 1 + order % 2))


def _returns(random: np.random.Generator, orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """One line of each returned order comes back, sometimes more; all of a cancelled one are paid back."""
    its = lines.join(orders.select("order", "day", "is_cancelled", "is_returned", "delivered_day"), on="order")
    size = len(its)
    is_first = its["line"].to_numpy() == its.select(pl.col("line").min().over("order")).to_series().to_numpy()
    comes_back = its["is_returned"].to_numpy() & (is_first | (random.random(size) < 0.25))
    is_cancelled = its["is_cancelled"].to_numpy()
    some = 1 + np.floor(random.random(size) * its["quantity"].to_numpy()).astype(np.int64)
    # All lines of an order come back in one parcel.
    wait = 3 + random.exponential(5, len(orders))[its["order"].to_numpy()]
    day = np.where(is_cancelled, its["day"].to_numpy() + CANCELLED_AFTER_DAYS, its["delivered_day"].to_numpy() + wait)
    return its.select(
        "line",
        "order",
        quantity=pl.when("is_cancelled").then("quantity").otherwise(pl.Series(some)),
        is_cancellation="is_cancelled",
        day=pl.Series(day),
    ).filter(pl.Series(comes_back | is_cancelled))


def refund_cents(lines: pl.DataFrame, refunds: pl.DataFrame) -> pl.DataFrame:
    """The refunds with `cents`: what is paid back of a line is its share of what was paid, rounded down."""
    sold = lines.select("line", "price_cents", "discount_cents", sold="quantity")
    paid = pl.col("price_cents") * pl.col("sold") - pl.col("discount_cents")
    priced = refunds.join(sold, on="line", how="left", maintain_order="left")
    return priced.select(refunds.columns, cents=paid * pl.col("quantity") // pl.col("sold"))


def order_money(orders: pl.DataFrame, lines: pl.DataFrame, country: pl.Series) -> pl.DataFrame:
    """subtotal_cents, discount_cents, shipping_cents, tax_cents, total_cents of each order; `country`: its own."""
    sums = lines.group_by("order").agg(
        subtotal_cents=(pl.col("price_cents") * pl.col("quantity") - pl.col("discount_cents")).sum(),
        discount_cents=pl.col("discount_cents").sum(),
    )
    rate = pl.Series(country).replace_strict(TAX_PERCENT, return_dtype=pl.Int64)
    shipping = pl.when(pl.col("subtotal_cents") < FREE_SHIPPING_FROM_CENTS).then(SHIPPING_CENTS).otherwise(0)
    return (
        orders.select("order")
        .join(sums, on="order", how="left", maintain_order="left")
        .with_columns(shipping_cents=shipping.cast(pl.Int64))
        .with_columns(tax_cents=((pl.col("subtotal_cents") + pl.col("shipping_cents")) * rate + 50) // 100)
        .with_columns(total_cents=pl.col("subtotal_cents") + pl.col("shipping_cents") + pl.col("tax_cents"))
    )


def send_parcels(random: np.random.Generator, orders: pl.DataFrame) -> pl.DataFrame:
    """order, sent_day, promised_day, delivered_day: one parcel an order, or two of which the later is the order's.

    What was taken along from the counter, or cancelled, has none.
    """
    sent = orders.filter(pl.col("sent_day").is_finite() & ~pl.col("is_counter")).select(
        "order", "sent_day", "promised_day", "delivered_day"
    )
    way = pl.col("delivered_day") - pl.col("sent_day")
    second = sent.filter(pl.Series(random.random(len(sent)) < SPLIT_SHARE))
    first = second.with_columns(delivered_day=pl.col("sent_day") + 0.6 * way)
    later = second.with_columns(sent_day=pl.col("sent_day") + 0.3 * way)
    single = sent.join(second, on="order", how="anti")
    return pl.concat([single, first, later]).sort("sent_day", "order", "delivered_day")


def leave_checkouts(
    random: np.random.Generator, orders: pl.DataFrame, shoppers: pl.DataFrame, days: float
) -> pl.DataFrame:
    """shopper, began_day, completed_day (infinity: never), total_cents of baskets that weren't bought at once.

    Some are bought within a day, at the time of an order. Who never ordered left at least one.
    """
    total = orders["total_cents"].to_numpy()
    resumed = orders.filter(pl.Series(random.random(len(orders)) < RESUMED_SHARE))
    hours = random.uniform(1, 24, len(resumed)) / 24
    bought = resumed.select(
        "shopper",
        began_day=pl.Series((resumed["day"].to_numpy() - hours).clip(0)),
        completed_day="day",
        total_cents="total_cents",
    )
    # Between two orders, or for a while after the last one.
    counts = random.poisson(CHECKOUTS_PER_ORDER, len(orders)) * ~orders["has_stopped"].to_numpy()
    place = np.repeat(np.arange(len(orders)), counts)
    begin = orders["free_day"].to_numpy()[place]
    end = np.minimum(orders["next_day"].to_numpy()[place], begin + LONGEST_CHECKOUT_DAYS)
    left_by_buyers = pl.DataFrame(
        {
            "shopper": orders["shopper"].to_numpy()[place],
            "began_day": begin + (end - begin) * random.random(len(place)),
            "total_cents": total[random.permutation(len(total))[place]] if len(place) else total[:0],
        }
    )
    looking = shoppers.filter(pl.col("first_day").is_infinite())
    who = np.repeat(np.arange(len(looking)), 1 + random.poisson(0.5, len(looking)))
    left_by_others = pl.DataFrame(
        {
            "shopper": looking["shopper"].to_numpy()[who],
            "began_day": looking["registered_day"].to_numpy()[who] + random.exponential(2, len(who)),
            "total_cents": 100 * random.integers(15, 150, len(who)) - 10,
        }
    )
    abandoned = pl.concat([left_by_buyers, left_by_others]).with_columns(completed_day=pl.lit(np.inf))
    checkouts = pl.concat([bought, abandoned.select(bought.columns)])
    return checkouts.filter(pl.col("began_day") <= days).sort("began_day", "shopper")
