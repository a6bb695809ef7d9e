-- HubSpot's versions of a deal are changes where they differ from the one before in what a change tells.
with hubspot_changes as (

    select
        source,
        source_opportunity_id,
        stage,
        amount,
        close_date,
        valid_from_at as changed_at,
        load_id
    from {{ ref('stg_hubspot__deal_versions') }}
    qualify
        (stage, amount, close_date) is distinct from lag((stage, amount, close_date)) over (
            partition by source_opportunity_id
            order by valid_from_at, load_id
        )

),

changes as (

    select
        * exclude (load_id),
        concat_ws('/', source_opportunity_id, cast(changed_at as varchar), load_id) as source_change_id
    from hubspot_changes
    union all by name
    select * from {{ ref('stg_salesforce__opportunity_history') }}

)

select
    source,
    source_change_id,
    source_opportunity_id,
    stage,
    amount,
    win_rate,
    close_date,
    changed_at
from changes
