import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Do customers come back?")


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
    mo.md(f"# Do customers come back?\n\nRelease `{release_id}`, as of {as_of}.")
    return (release,)


@app.cell
def _(mo, release):
    months = [
        row[0] for row in release.sql("select distinct cohort_month from rpt_order_cohorts order by 1").fetchall()
    ]
    cohort = mo.ui.dropdown({f"{month:%B %Y}": month for month in months}, value=f"{months[0]:%B %Y}", label="Cohort")
    cohort
    return (cohort,)


@app.cell
def _(alt, cohort, mo, release):
    curve = release.execute(
        """
        select 'average' as line, months_since_first, sum(active_customer_count) / sum(cohort_size) as retention_rate
        from rpt_order_cohorts where is_complete and months_since_first > 0 group by all
        union all
        select 'chosen cohort', months_since_first, retention_rate
        from rpt_order_cohorts where is_complete and months_since_first > 0 and cohort_month = $cohort
        """,
        {"cohort": cohort.value},
    ).pl()
    chart = (
        alt.Chart(curve)
        .mark_line(point=True)
        .encode(
            x=alt.X("months_since_first:Q", title="Months since first order"),
            y=alt.Y("retention_rate:Q", title="Ordered again", axis=alt.Axis(format="%")),
            color=alt.Color("line:N", title=None),
        )
        .properties(width=600, height=280)
    )
    mo.vstack([mo.md("## The chosen cohort against all (complete months only)"), chart])
    return


@app.cell
def _(mo, release):
    windows = release.sql(
        """
        select
            coalesce(window_days || ' days', 'all time') as window, num, den,
            round(100 * rate, 1) as percent, round(100 * ci_low, 1) as low, round(100 * ci_high, 1) as high
        from rpt_repeat_purchase where segment_by = 'all' order by window_days nulls last
        """
    ).pl()
    mo.vstack([mo.md("## Bought again within …"), mo.ui.table(windows, selection=None)])
    return


if __name__ == "__main__":
    app.run()
