select
    policy,
    policy_version,
    is_active,
    churn_recognition,
    dunning_days,
    unpaid,
    grace_days,
    trials,
    pauses,
    free,
    discounts,
    same_month,
    usage_months,
    time_zone
from {{ ref('int_revenue__policies') }}
