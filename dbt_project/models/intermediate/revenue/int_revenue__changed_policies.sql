select
    policy,
    coalesce(policies.is_active, false) or coalesce(last_policies.is_active, false) as is_active
from {{ ref('int_revenue__policies') }} as policies
full join {{ ref('int_revenue__last_policies') }} as last_policies using (policy)
where
    (
        policies.policy_version is distinct from last_policies.policy_version
        or policies.is_active is distinct from last_policies.is_active
    )
    -- Where the last release's policies can't be read, none is another.
    and (select count(*) from {{ ref('int_revenue__last_policies') }}) > 0
