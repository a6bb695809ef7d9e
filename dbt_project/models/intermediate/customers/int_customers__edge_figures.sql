with edges as (

    select
        'person' as entity,
        rule,
        reason,
        is_kept
    from {{ ref('int_customers__person_edges') }}
    union all by name
    select
        'customer' as entity,
        rule,
        reason,
        is_kept
    from {{ ref('int_customers__company_edges') }}

),

generic_values as (

    select
        *,
        if(entity = 'person', 'person', 'customer') as owner
    from {{ ref('int_customers__generic_identifiers') }}

),

generic_records as (

    select
        generic_values.owner,
        generic_values.reason,
        count(distinct told.record_id) as record_count
    from generic_values
    inner join {{ ref('int_customers__identifiers') }} as told using (entity, id_type, id_value)
    group by all

),

scored as (

    select
        'person' as entity,
        count(*) filter (where record_id_r is not null) as pair_count,
        count(*) filter (where record_id_r is null) as record_count
    from {{ ref('int_customers__person_scores') }}
    union all by name
    select
        'customer' as entity,
        count(*) filter (where record_id_r is not null) as pair_count,
        count(*) filter (where record_id_r is null) as record_count
    from {{ ref('int_customers__company_scores') }}

),

reductions as (

    select
        entity,
        pair_count,
        record_count * (record_count - 1) // 2 as possible_pair_count
    from scored

),

models as (

    select
        if(kind = 'people', 'person', 'customer') as entity,
        model_version,
        record_count
    from {{ ref('int_customers__linkage_models') }}
    qualify row_number() over (partition by kind order by model_version desc) = 1

),

final as (

    select
        entity,
        'kept_edges' as metric,
        rule as segment,
        count(*) as num,
        null as den
    from edges
    where is_kept
    group by all
    union all by name
    select
        entity,
        'refused_edges' as metric,
        reason as segment,
        count(*) as num
    from edges
    where not is_kept
    group by all
    union all by name
    select
        owner as entity,
        'generic_values' as metric,
        reason as segment,
        count(*) as num
    from generic_values
    group by all
    union all by name
    select
        owner as entity,
        'generic_value_records' as metric,
        reason as segment,
        record_count as num
    from generic_records
    union all by name
    select
        entity,
        'comparisons' as metric,
        'all' as segment,
        pair_count as num
    from scored
    union all by name
    select
        entity,
        'reduction_ratio' as metric,
        'all' as segment,
        possible_pair_count - pair_count as num,
        possible_pair_count as den
    from reductions
    where possible_pair_count > 0
    union all by name
    select
        entity,
        'model_record_count' as metric,
        'all' as segment,
        record_count as num
    from models
    union all by name
    select
        entity,
        'model_version' as metric,
        'all' as segment,
        model_version as num
    from models

)

select
    entity,
    metric,
    segment,
    num / coalesce(den, 1) as value,
    case when den is not null then num end as num,
    den
from final
