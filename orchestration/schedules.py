"""The job, and when it runs by itself."""

import dagster as dg

from orchestration.resources import Deployment

job = dg.define_asset_job("tenure", selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor)


def _run_of_tick(context: dg.ScheduleEvaluationContext, cadence: str) -> dg.RunRequest:
    # The tick's date, not the newest record's: a source that has stopped is then seen to be stale.
    tick = context.scheduled_execution_time.date().isoformat()
    config = dg.RunConfig(resources={"deployment": Deployment(as_of_date=tick)})
    return dg.RunRequest(run_key=f"{cadence}-{tick}", run_config=config, tags={"cadence": cadence})


# Runs describe a whole day, so they start at its end; Sunday's is the weekly one, whose report goes to leadership.
@dg.schedule(job=job, cron_schedule="45 23 * * 1-6", execution_timezone="UTC")
def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Monday to Saturday, at the end of the day."""
    return _run_of_tick(context, "daily")


@dg.schedule(job=job, cron_schedule="45 23 * * 0", execution_timezone="UTC")
def weekly_report(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Sunday, at the end of the week."""
    return _run_of_tick(context, "weekly")
