"""All that Dagster knows of Tenure."""

import dagster as dg

from orchestration.ingest import ingest
from orchestration.publish import release
from orchestration.resources import Deployment
from orchestration.schedules import daily, job, weekly_report
from orchestration.transform import dbt_resource, transform

defs = dg.Definitions(
    assets=[ingest, transform, release],
    jobs=[job],
    schedules=[daily, weekly_report],
    resources={"dbt": dbt_resource(), "deployment": Deployment()},
)
