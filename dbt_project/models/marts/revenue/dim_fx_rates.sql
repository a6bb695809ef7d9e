select
    currency,
    rate_month,
    reporting_currency,
    rate,
    is_assumed
from {{ ref('int_revenue__fx_rates') }}
