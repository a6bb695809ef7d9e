{{ config(post_hook='{{ mark_as_changed(this) }}') }}
-- depends_on: {{ ref('int_revenue__ledger_version') }}
-- Subscriptions that came, went or changed since the ledger was made.
select
    source,
    source_subscription_id,
    cast(null as ubigint) as fingerprint,
    list_sort(list_distinct(list_concat(inputs.customer_ids, kept.customer_ids))) as customer_ids
from {{ ref('int_revenue__subscription_inputs') }} as inputs
full join {{ ref('int_revenue__last_subscriptions') }} as kept
    using (source, source_subscription_id)
-- What an earlier run marked, and didn't get to its end with, is made anew also where it is gone.
where kept.fingerprint is null or inputs.fingerprint is distinct from kept.fingerprint
