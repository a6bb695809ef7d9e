with recursive records as (  -- noqa: PRS

    select record_id
    from {{ ref('int_customers__compared_companies') }}

),

edges as (

    select
        record_id_l,
        record_id_r
    from {{ ref('int_customers__company_edges') }}
    where is_kept

),

{{ connected('records', 'edges') }}

select
    record_id,
    cluster_id
from labels
