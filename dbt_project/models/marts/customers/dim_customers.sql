with records as (

    select
        record_ids.durable_id as customer_id,
        record_ids.source,
        record_ids.source_record_id
    from {{ ref('int_customers__record_ids') }} as record_ids
    where record_ids.entity = 'customer'

),

-- A shop's and a loyalty programme's customers are people, and so is one of a file with a date of birth; a file's
-- customer with what only companies have is a company.
consumers as (

    select
        source,
        source_customer_id
    from {{ ref('int_commerce__customers') }}
    where source <> 'files' or birth_date is not null
    union
    select
        source,
        source_customer_id
    from {{ ref('int_loyalty__members') }}

),

listed_companies as (

    select
        source,
        source_customer_id
    from {{ ref('int_crm__customers') }}
    where coalesce(domain, tax_id, source_parent_customer_id, segment, plan) is not null

),

customers as (

    select
        records.customer_id,
        case
            when
                bool_or(
                    consumers.source is null and (records.source <> 'files' or listed_companies.source is not null)
                )
                then 'company'
            when bool_or(consumers.source is not null) then 'consumer'
        end as customer_kind,
        count(*) as record_count,
        count(distinct records.source) as source_count
    from records
    left join consumers
        on
            records.source = consumers.source
            and records.source_record_id = consumers.source_customer_id
    left join listed_companies
        on
            records.source = listed_companies.source
            and records.source_record_id = listed_companies.source_customer_id
    group by records.customer_id

),

sign_ups as (

    select
        records.customer_id,
        min(listed.signed_up_at) as signed_up_at
    from records
    inner join {{ ref('int_commerce__customers') }} as listed
        on
            records.source = listed.source
            and records.source_record_id = listed.source_customer_id
    group by records.customer_id

),

sponsors as (

    select *
    from {{ ref('int_customers__key_people') }}
    where role = 'executive_sponsor'

),

-- What is paid a month on the as-of date: nothing by those whom the ledger has in earlier months alone.
levels as (

    select
        months.customer_id,
        sum(if(months.month = date_trunc('month', context.as_of_date), months.reporting_closing_amount, 0))
            as recurring_amount,
        max(months.reporting_currency) as recurring_currency
    from {{ ref('fct_customer_months') }} as months
    cross join {{ ref('int_run__context') }} as context
    where months.customer_id is not null and months.reporting_currency is not null
    group by months.customer_id

),

primary_contacts as (

    select *
    from {{ ref('int_customers__key_people') }}
    where role = 'primary_contact'

),

final as (

    select
        customers.customer_id,
        customers.customer_kind,
        profiles.customer_name,
        profiles.email,
        profiles.domain,
        coalesce(profiles.country, orders.first_order_country) as country,
        case when profiles.country is null then countries.country_code else profiles.country_code end as country_code,
        profiles.identity_sources,
        profiles.identity_as_of_date,
        profiles.segment,
        profiles.industry,
        profiles.employee_count,
        profiles.segment_sources,
        profiles.segment_as_of_date,
        profiles.status,
        profiles.status_sources,
        profiles.status_as_of_date,
        profiles.plan,
        contracts.started_date as contract_started_date,
        contracts.ended_date as contract_ended_date,
        profiles.renewal_date,
        contracts.is_canceling,
        levels.recurring_amount,
        levels.recurring_currency,
        contracts.contract_amount,
        contracts.contract_currency,
        list_concat(
            profiles.contract_sources, contracts.billing_sources, [contracts.contract_amount_source]
        ) as contract_sources,
        greatest(profiles.contract_as_of_date, contracts.billing_as_of_date, contracts.contract_amount_date)
            as contract_as_of_date,
        profiles.owner_name,
        profiles.owner_email,
        profiles.owner_sources,
        profiles.owner_as_of_date,
        sponsors.person_id as sponsor_person_id,
        sponsors.valid_from_date as sponsor_since_date,
        sponsors.source as sponsor_source,
        sponsors.as_of_date as sponsor_as_of_date,
        primary_contacts.person_id as primary_contact_person_id,
        primary_contacts.valid_from_date as primary_contact_since_date,
        primary_contacts.source as primary_contact_source,
        primary_contacts.as_of_date as primary_contact_as_of_date,
        meetings.held_at as last_meeting_at,
        meetings.meeting_kind as last_meeting_kind,
        meetings.source as last_meeting_source,
        onboarding.is_onboarded,
        coalesce(onboarding.milestone_count, 0) as milestone_count,
        coalesce(onboarding.completed_milestone_count, 0) as completed_milestone_count,
        onboarding.last_milestone,
        onboarding.last_milestone_date,
        onboarding.sources as onboarding_sources,
        onboarding.as_of_date as onboarding_as_of_date,
        customers.record_count,
        customers.source_count,
        orders.currency,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.order_day_count, 0) as order_day_count,
        case when orders.order_count > 0 then orders.gross_amount else 0 end as gross_amount,
        case when orders.order_count > 0 then orders.returned_amount else 0 end as returned_amount,
        case when orders.order_count > 0 then orders.net_amount else 0 end as net_amount,
        sign_ups.signed_up_at,
        orders.first_order_date,
        orders.second_order_date,
        orders.last_order_date,
        orders.cohort_month
    from customers
    left join {{ ref('int_customers__profiles') }} as profiles on customers.customer_id = profiles.customer_id
    left join {{ ref('int_customers__contracts') }} as contracts on customers.customer_id = contracts.customer_id
    left join levels on customers.customer_id = levels.customer_id
    left join sponsors on customers.customer_id = sponsors.customer_id
    left join primary_contacts on customers.customer_id = primary_contacts.customer_id
    left join {{ ref('int_customers__last_meetings') }} as meetings on customers.customer_id = meetings.customer_id
    left join {{ ref('int_customers__onboarding') }} as onboarding on customers.customer_id = onboarding.customer_id
    left join {{ ref('int_commerce__customer_orders') }} as orders on customers.customer_id = orders.customer_id
    left join sign_ups on customers.customer_id = sign_ups.customer_id
    left join {{ ref('int_customers__countries') }} as countries
        on orders.first_order_country = countries.country_as_written

)

select
    customer_id,
    customer_kind,
    customer_name,
    email,
    domain,
    country,
    country_code,
    {{ source_names('identity_sources') }} as identity_source,
    identity_as_of_date,
    segment,
    industry,
    employee_count,
    {{ source_names('segment_sources') }} as segment_source,
    segment_as_of_date,
    status,
    {{ source_names('status_sources') }} as status_source,
    status_as_of_date,
    plan,
    contract_started_date,
    contract_ended_date,
    renewal_date,
    is_canceling,
    {{ money('recurring_amount') }} as recurring_amount,
    recurring_currency,
    contract_amount,
    contract_currency,
    {{ source_names('contract_sources') }} as contract_source,
    contract_as_of_date,
    owner_name,
    owner_email,
    {{ source_names('owner_sources') }} as owner_source,
    owner_as_of_date,
    sponsor_person_id,
    sponsor_since_date,
    sponsor_source,
    sponsor_as_of_date,
    primary_contact_person_id,
    primary_contact_since_date,
    primary_contact_source,
    primary_contact_as_of_date,
    last_meeting_at,
    last_meeting_kind,
    last_meeting_source,
    is_onboarded,
    milestone_count,
    completed_milestone_count,
    last_milestone,
    last_milestone_date,
    {{ source_names('onboarding_sources') }} as onboarding_source,
    onboarding_as_of_date,
    record_count,
    source_count,
    currency,
    order_count,
    order_day_count,
    {{ money('gross_amount') }} as gross_amount,
    {{ money('returned_amount') }} as returned_amount,
    {{ money('net_amount') }} as net_amount,
    signed_up_at,
    first_order_date,
    second_order_date,
    last_order_date,
    cohort_month
from final
