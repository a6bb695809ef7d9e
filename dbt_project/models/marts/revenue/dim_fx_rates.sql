select
    currency,
    rate_month,
    reporting_currency,
    rate
from {{ ref('int_revenue__fx_rates') }}
