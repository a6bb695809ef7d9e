with winners as (

    select *
    from {{ ref('int_customers__field_winners') }}

),

owners as (

    select
        winners.customer_id,
        owners.full_name as owner_name,
        owners.email as owner_email
    from winners
    inner join {{ ref('int_crm__customers') }} as customers
        on
            winners.field = 'owner'
            and winners.source = customers.source
            and winners.source_record_id = customers.source_customer_id
    inner join {{ ref('int_crm__owners') }} as owners
        on
            customers.source = owners.source
            and customers.source_owner_id = owners.source_owner_id

),

profiles as (

    select
        customer_id,
        max(value) filter (where field = 'customer_name') as customer_name,
        max(value) filter (where field = 'email') as email,
        max(value) filter (where field = 'domain') as domain,
        max(value) filter (where field = 'country') as country,
        max(value) filter (where field = 'segment') as segment,
        max(value) filter (where field = 'industry') as industry,
        max(value) filter (where field = 'plan') as plan,
        max(value) filter (where field = 'status') as status,
        max(value_key) filter (where field = 'country') as country_code,
        cast(max(value) filter (where field = 'employee_count') as bigint) as employee_count,
        cast(max(value) filter (where field = 'renewal_date') as date) as renewal_date,
        list_sort(list(distinct source) filter (where field_group = 'identity')) as identity_sources,
        cast(max(as_of_at) filter (where field_group = 'identity') as date) as identity_as_of_date,
        list_sort(list(distinct source) filter (where field_group = 'segment')) as segment_sources,
        cast(max(as_of_at) filter (where field_group = 'segment') as date) as segment_as_of_date,
        list_sort(list(distinct source) filter (where field_group = 'contract')) as contract_sources,
        cast(max(as_of_at) filter (where field_group = 'contract') as date) as contract_as_of_date,
        list_sort(list(distinct source) filter (where field_group = 'status')) as status_sources,
        cast(max(as_of_at) filter (where field_group = 'status') as date) as status_as_of_date,
        list_sort(list(distinct source) filter (where field_group = 'owner')) as owner_sources,
        cast(max(as_of_at) filter (where field_group = 'owner') as date) as owner_as_of_date
    from winners
    group by customer_id

)

select
    profiles.*,
    owners.owner_name,
    owners.owner_email
from profiles
left join owners on profiles.customer_id = owners.customer_id
