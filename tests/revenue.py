"""The revenue ledger's models, run as they are written, in plain DuckDB: dbt would take seconds for each history."""

from collections.abc import Iterable
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import duckdb
from jinja2 import Environment

from tests.identity import PROJECT, VARS, template

MODELS = (
    "int_revenue__policies",
    "int_revenue__usage_levels",
    "int_revenue__subscription_inputs",
    "int_revenue__last_subscriptions",
    "int_revenue__ledger_version",
    "int_revenue__changed_subscriptions",
    "int_revenue__changed_customers",
    "int_revenue__item_states",
    "int_revenue__item_days",
    "int_revenue__subscription_days",
    "int_revenue__customer_days",
    "int_revenue__fx_rates",
    "fct_policy_differences",
    "fct_mrr_movements",
    "fct_subscription_changes",
    "fct_customer_months",
)
RECONCILIATION = (
    "int_revenue__billing_lines",
    "int_revenue__billed_months",
    "int_revenue__billed_levels",
    "int_revenue__billing_differences",
    "fct_billing_differences",
    "rpt_billing_reconciliation",
)
MACROS = ("kept_ledger", "money", "mrr_state", "ratio_bound", "wilson")
POLICY = {
    "policy": "default",
    "is_active": "true",
    "churn_recognition": "service_end",
    "dunning_days": "21",
    "unpaid": "churn",
    "grace_days": "0",
    "trials": "exclude",
    "pauses": "count",
    "free": "keep",
    "discounts": "recurring",
    "same_month": "keep",
    "usage_months": "0",
    "time_zone": "UTC",
}
INPUTS = f"""
    create table int_billing__subscriptions (
        source varchar, source_subscription_id varchar, source_customer_id varchar, status varchar, currency varchar,
        is_collection_paused boolean, cancellation_reason varchar, discount_duration varchar,
        discount_rate double, discount_amount decimal(18, 4), discount_ends_at timestamp,
        trial_ends_at timestamp, canceled_at timestamp, ended_at timestamp, valid_from_at timestamp, load_id varchar,
        collection_method varchar, is_canceling_at_period_end boolean, started_at timestamp,
        current_period_started_at timestamp, current_period_ends_at timestamp
    );
    create table int_billing__subscription_items (
        source varchar, source_subscription_id varchar, source_subscription_item_id varchar, plan varchar,
        currency varchar, billing_interval varchar, interval_count bigint, usage_type varchar,
        unit_amount decimal(18, 4), discount_rate double, quantity decimal(18, 4), ended_at timestamp,
        valid_from_at timestamp, load_id varchar
    );
    create table int_billing__invoice_lines (
        source varchar, source_invoice_line_id varchar, source_invoice_id varchar, source_customer_id varchar,
        source_subscription_id varchar, source_subscription_item_id varchar, source_price_id varchar,
        usage_type varchar, billing_interval varchar, interval_count bigint, invoice_status varchar, currency varchar,
        line_amount decimal(18, 4), discount_amount decimal(18, 4), net_amount decimal(18, 4), is_proration boolean,
        period_start_at timestamp, period_end_at timestamp, issued_at timestamp
    );
    create table int_billing__invoices (
        source varchar, source_invoice_id varchar, source_customer_id varchar, source_subscription_id varchar,
        status varchar, currency varchar, total_amount decimal(18, 4), tax_amount decimal(18, 4), issued_at timestamp
    );
    create table int_customers__record_ids (
        entity varchar, source varchar, list_kind varchar, source_record_id varchar, durable_id varchar
    );
    create table int_customers__id_spells (
        entity varchar, source varchar, list_kind varchar, source_record_id varchar, durable_id varchar,
        valid_from_date date, valid_to_date date
    );
    create table int_run__context (as_of_date date);
    create table revenue_policies ({", ".join(f"{name} varchar" for name in POLICY)});
    create table fx_rates (reporting_currency varchar, currency varchar, rate_month varchar, rate varchar);
    create macro main.project_version() as 'these models';
"""
Row = dict[str, Any]


class Revenue:
    """A warehouse with billing's subscriptions, who is who, and what the ledger makes of them."""

    def __init__(self, as_of: date, **policy: str | None) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(INPUTS)
        self.connection.execute("insert into int_run__context values (?)", [as_of])
        self.add("revenue_policies", [{**POLICY, **policy}])
        self.sold: set[str] = set()

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Rows of an input; columns that they lack are NULL."""
        rows = list(rows)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        marks = ", ".join("?" for _ in columns)
        values = [[row.get(name) for name in columns] for row in rows]
        if values:
            self.connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", values)

    def subscribe(self, name: str, *, customer: str = "c", start: str, **version: Any) -> None:
        """The first, or a later, version of a subscription; a customer's id is cus_ with its number."""
        self.add(
            "int_billing__subscriptions",
            [
                {
                    "source": "stripe",
                    "source_subscription_id": name,
                    "source_customer_id": customer,
                    "status": "active",
                    "currency": "EUR",
                    "is_collection_paused": False,
                    "valid_from_at": datetime.fromisoformat(start),
                    "load_id": "load-1",
                    **version,
                }
            ],
        )
        if customer not in self.sold:
            self.sold.add(customer)
            self.known(customer, f"cus_{customer}", "2020-01-01")

    def known(self, customer: str, durable_id: str, since: str) -> None:
        """From a day on a record of billing belongs to this id."""
        self.add(
            "int_customers__id_spells",
            [
                {
                    "entity": "customer",
                    "source": "stripe",
                    "list_kind": "customer",
                    "source_record_id": customer,
                    "durable_id": durable_id,
                    "valid_from_date": date.fromisoformat(since),
                }
            ],
        )

    def item(self, subscription: str, amount: float, *, start: str, name: str = "i", **version: Any) -> None:
        """The first, or a later, version of an item at so much a month."""
        self.add(
            "int_billing__subscription_items",
            [
                {
                    "source": "stripe",
                    "source_subscription_id": subscription,
                    "source_subscription_item_id": f"{subscription}/{name}",
                    "plan": "team",
                    "currency": "EUR",
                    "billing_interval": "month",
                    "interval_count": 1,
                    "usage_type": "licensed",
                    "unit_amount": amount,
                    "quantity": 1,
                    "valid_from_at": datetime.fromisoformat(start),
                    "load_id": "load-1",
                    **version,
                }
            ],
        )

    def use(self, item: str, amounts: dict[str, float], **line: Any) -> None:
        """An invoice line for each day on which a period of an item that is billed by use ended."""
        self.add(
            "int_billing__invoice_lines",
            [
                {
                    "source": "stripe",
                    "source_invoice_line_id": f"{item}/{day}",
                    "source_subscription_item_id": item,
                    "usage_type": "metered",
                    "billing_interval": "month",
                    "interval_count": 1,
                    "invoice_status": "paid",
                    "line_amount": amount,
                    "period_end_at": datetime.fromisoformat(day),
                    "issued_at": datetime.fromisoformat(day),
                    **line,
                }
                for day, amount in amounts.items()
            ],
        )

    def invoice(
        self,
        name: str,
        issued: str,
        *lines: Row,
        subscription: str | None = "s",
        customer: str = "c",
        status: str = "paid",
        currency: str = "EUR",
        tax: float = 0,
        total: float | None = None,
        source: str = "stripe",
    ) -> None:
        """An invoice of one subscription: its lines as amount, discount, start, end, and what else a line says."""
        common = {
            "source": source,
            "source_invoice_id": name,
            "source_customer_id": customer,
            "source_subscription_id": subscription,
            "currency": currency,
            "issued_at": datetime.fromisoformat(issued),
        }
        rows = [
            {
                **common,
                "source_invoice_line_id": f"{name}/{number}",
                "source_subscription_item_id": subscription and f"{subscription}/i",
                "source_price_id": "p",
                "usage_type": "licensed",
                "billing_interval": "month" if subscription else None,
                "interval_count": 1,
                "invoice_status": status,
                "line_amount": line["amount"],
                "discount_amount": line.get("discount", 0),
                "net_amount": line["amount"] - (line.get("discount") or 0),
                "is_proration": False,
                "period_start_at": datetime.fromisoformat(line["start"]) if line.get("start") else None,
                "period_end_at": datetime.fromisoformat(line["end"]) if line.get("end") else None,
                **{key: line[key] for key in line if key not in ("amount", "discount", "start", "end")},
            }
            for number, line in enumerate(lines)
        ]
        self.add("int_billing__invoice_lines", rows)
        net = sum(row["net_amount"] for row in rows)
        whole = net + tax if total is None else total
        self.add("int_billing__invoices", [{**common, "status": status, "tax_amount": tax, "total_amount": whole}])

    def reconciled(self) -> dict[str, dict[str, float]]:
        """Each month's reasons with their amounts, as rpt_billing_reconciliation tells them; reasons of 0 left out."""
        self.build(*RECONCILIATION)
        told: dict[str, dict[str, float]] = {}
        query = "select month, reason, amount from rpt_billing_reconciliation where amount <> 0 order by month, reason"
        for month, reason, amount in self.sql(query):
            told.setdefault(month.isoformat()[:7], {})[reason] = float(amount)
        return told

    def build(self, *more: str) -> "Revenue":
        """The ledger, and after it the models `more`."""
        for model in (*MODELS, *more):
            make_model(self.connection, model)
        keep_ledger(self.connection)
        return self

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(query).fetchall()

    def movements(self, columns: str = "movement_date, movement, reason, amount") -> list[tuple[Any, ...]]:
        """What happened, as texts and numbers: (day, movement, reason, amount)."""
        rows = self.sql(f"select {columns} from fct_mrr_movements order by movement_date, past_customer_id, movement")
        return [tuple(_plain(value) for value in row) for row in rows]

    def broken_rows(self) -> list[tuple[Any, ...]]:
        """What the singular tests of the ledger find."""
        tests = ("assert_mrr_bridge_closes", "assert_movements_are_their_changes")
        return [row for test in tests for row in self.sql(template(test, ref=str).render())]


def make_model(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """The table of a model, as dbt makes it: all of it, or of a kept one what changed."""
    config: dict[str, Any] = {}

    def is_incremental() -> bool:
        if config.get("incremental_strategy") != "by_change" or not _exists(con, model):
            return False
        version = _version(con)
        return version["is_kept"] and (version["is_same_month"] or not config.get("meta"))

    text = template(model, *MACROS, ref=str, var=VARS.__getitem__).render(
        config=lambda **values: config.update(values) or "",
        is_incremental=is_incremental,
        execute=True,
        **_dbt(con),
    )
    if not is_incremental():
        con.execute(f"create or replace table {model} as {text}")
        if "post_hook" in config:
            con.execute(_macros(con).mark_as_changed(model).replace("intermediate.", "") or "select 1")
        return
    con.execute(f"create or replace temp table made as {text}")
    columns = [{"quoted": f'"{name}"'} for name in con.table("made").columns]
    replaced = {"target_relation": model, "temp_relation": "made", "dest_columns": columns, **config}
    con.execute(_macros(con).get_incremental_by_change_sql(replaced).replace("intermediate.", ""))
    con.execute("drop table made")


def keep_ledger(con: duckdb.DuckDBPyConnection) -> None:
    """What the end of a whole run does."""
    con.execute(_macros(con).keep_ledger([]).replace("intermediate.", ""))


def _macros(con: duckdb.DuckDBPyConnection) -> Any:
    text = (PROJECT / "macros/kept_ledger.sql").read_text()
    environment = Environment(extensions=["jinja2.ext.do"])
    return environment.from_string(text).make_module({**_dbt(con), "graph": SimpleNamespace(nodes={}), "execute": True})


def _dbt(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What the macros ask dbt for."""
    return {
        "target": SimpleNamespace(database="memory"),
        "adapter": SimpleNamespace(get_relation=lambda _database, _schema, name: name if _exists(con, name) else None),
        "run_query": lambda _query: SimpleNamespace(rows=[_version(con)]),
    }


def _version(con: duckdb.DuckDBPyConnection) -> dict[str, bool]:
    [(is_kept, is_same_month)] = con.sql("select is_kept, is_same_month from int_revenue__ledger_version").fetchall()
    return {"is_kept": is_kept, "is_same_month": is_same_month}


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(con.sql(f"select 1 from duckdb_tables() where table_name = '{table}'").fetchall())


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if value is not None and not isinstance(value, str) else value
