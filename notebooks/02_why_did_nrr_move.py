import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Why did net retention move?")


@app.cell
def _():
    import os
    from pathlib import Path

    import altair as alt
    import duckdb
    import marimo as mo

    return Path, alt, duckdb, mo, os


@app.cell
def _(Path, duckdb, mo, os):
    home = Path(os.environ.get("TENURE_HOME") or Path(__file__).resolve().parent.parent / ".tenure")
    # Resolved once, so that every cell reads the same release.
    current = (home / "published" / "current").resolve()
    mo.stop(not current.exists(), mo.md(f"No release in `{home}` yet: `tenure run` publishes one."))
    release = duckdb.connect(str(current / "tenure.duckdb"), read_only=True)
    release.execute("set schema = 'marts'")
    release_id, as_of = release.sql("select release_id, as_of_date from release_info").fetchone()
    mo.md(f"# Why did net retention move?\n\nRelease `{release_id}`, as of {as_of}.")
    return (release,)


@app.cell
def _(mo, release):
    windows = [
        row[0]
        for row in release.sql(
            "select window_months from rpt_nrr_monthly where dimension = 'all' and is_complete "
            "group by 1 having count(*) > 1 order by window_months = 12 desc, 1 desc"
        ).fetchall()
    ]
    mo.stop(not windows, mo.md("No window of retention has two months that are over yet."))
    window = mo.ui.dropdown(
        {f"{months} months": months for months in windows}, value=f"{windows[0]} months", label="Over"
    )
    window
    return (window,)


@app.cell
def _(mo, release, window):
    ends = [
        row[0]
        for row in release.execute(
            "select month from rpt_nrr_monthly where dimension = 'all' and is_complete and window_months = $window "
            "order by month desc",
            {"window": window.value},
        ).fetchall()
    ]
    names = {f"{month:%B %Y}": month for month in ends}
    month = mo.ui.dropdown(names, value=f"{ends[0]:%B %Y}", label="Window that ends in")
    against = mo.ui.dropdown(names, value=f"{ends[1]:%B %Y}", label="against")
    mo.hstack([month, against], justify="start")
    return against, month


@app.cell
def _(against, month, release, window):
    # Who paid at the beginning of each window, and what of it each customer pays at its end.
    release.execute(
        """
        create or replace temp table changes as
        select
            asked.month, followed_id, start_amount, end_amount, end_amount - start_amount as change,
            case when end_cause in ('voluntary', 'involuntary') then 'left: ' || end_cause
            when end_amount = 0 then 'left: other' when change < 0 then 'pay less' when change > 0 then 'pay more'
            else 'pay the same' end as what
        from (select unnest([$month, $against]::date[]) as month) as asked
        join fct_retention_windows
            on window_months = $window and asked.month >= from_month and asked.month < to_month
        """,
        {"month": month.value, "against": against.value, "window": window.value},
    )
    changes = release.table("changes")
    return (changes,)


@app.cell
def _(alt, changes, mo, release):
    # In points of net retention; they add up to what the published figure is above or below 100 %.
    parts = release.execute(
        """
        with wholes as (
            select month, sum(start_amount) as start_amount from changes group by month
        )
        select month, what, 100 * sum(change) / any_value(wholes.start_amount) as points
        from changes join wholes using (month) where what <> 'pay the same' group by all
        order by month, what
        """
    ).pl()
    assert changes is not None
    _chart = (
        alt.Chart(parts)
        .mark_bar()
        .encode(
            x=alt.X("points:Q", title="Points of net retention, from 100"),
            y=alt.Y(
                "what:N",
                title=None,
                sort=["pay more", "pay less", "left: voluntary", "left: involuntary", "left: other"],
            ),
            yOffset=alt.YOffset("month:O"),
            color=alt.Color("month:O", title="Window that ends in", timeUnit="yearmonth"),
        )
        .properties(width=600, height=240)
    )
    mo.vstack([mo.md("## What made it"), _chart, mo.ui.table(parts, selection=None)])
    return


@app.cell
def _(against, changes, mo, month, release):
    # What each group adds to the whole's net retention: its own change, and how much of the beginning it was.
    groups = release.execute(
        """
        with wholes as (
            select month, sum(start_amount) as start_amount from changes group by month
        )
        select
            dimension, segment,
            coalesce(100 * sum(change / wholes.start_amount) filter (where month = $month), 0) as points,
            coalesce(100 * sum(change / wholes.start_amount) filter (where month = $against), 0) as points_before,
            points - points_before as moved
        from changes join wholes using (month) join map_customer_segments using (followed_id)
        where dimension <> 'all' group by all order by abs(moved) desc limit 15
        """,
        {"month": month.value, "against": against.value},
    ).pl()
    assert changes is not None
    mo.vstack([mo.md("## Which groups moved it"), mo.ui.table(groups, selection=None)])
    return


@app.cell
def _(changes, mo, month, release, window):
    # Who gained and lost most in the newer window, and what is known of why.
    customers = release.execute(
        """
        select
            changes.followed_id, changes.what, changes.start_amount, changes.end_amount,
            string_agg(distinct movements.movement || coalesce(': ' || movements.reason, ''), ', ') as why
        from changes
        left join fct_mrr_movements as movements
            on movements.followed_id = changes.followed_id
            and movements.movement_month > $month::date - to_months($window::integer)
            and movements.movement_month <= $month::date
        where changes.month = $month and changes.change <> 0
        group by all order by abs(any_value(changes.change)) desc limit 20
        """,
        {"month": month.value, "window": window.value},
    ).pl()
    assert changes is not None
    mo.vstack([mo.md("## Who it was"), mo.ui.table(customers, selection=None)])
    return


if __name__ == "__main__":
    app.run()
