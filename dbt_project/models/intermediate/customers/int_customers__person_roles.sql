with context as (

    select as_of_date from {{ ref('int_run__context') }}

),

statements as (

    select statements.*
    from {{ ref('int_customers__role_statements') }} as statements
    cross join context
    where coalesce(statements.valid_from_date <= context.as_of_date, true)

),

-- A person is gone from a company when the CRM has thrown away all that it had of them there.
departures as (

    select
        customer_id,
        person_id,
        max(valid_to_date) as gone_date
    from statements
    where evidence = 'crm association'
    group by customer_id, person_id
    having count(valid_to_date) = count(*)

),

-- A list that tells from when until when goes before a field that only says what is.
dated_roles as (

    select distinct
        customer_id,
        person_id,
        role
    from statements
    where is_dated and evidence = 'crm role'

),

named_roles as (

    select distinct
        customer_id,
        person_id
    from statements
    where role <> 'contact'

),

telling as (

    select statements.*
    from statements
    left join dated_roles
        on
            statements.customer_id = dated_roles.customer_id
            and statements.person_id = dated_roles.person_id
            and statements.role = dated_roles.role
    left join named_roles
        on
            statements.customer_id = named_roles.customer_id
            and statements.person_id = named_roles.person_id
    where
        (statements.is_dated or dated_roles.role is null)
        and (statements.role <> 'contact' or named_roles.person_id is null)

),

-- Whoever was seen in the product after they were thrown away was still there.
spells as (

    select
        telling.customer_id,
        telling.person_id,
        telling.role,
        telling.evidence,
        telling.source,
        telling.valid_from_date,
        case
            when departures.gone_date is null or telling.valid_from_date >= departures.gone_date
                then telling.valid_to_date
            else least(
                    telling.valid_to_date,
                    greatest(departures.gone_date, cast(telling.last_seen_date + interval 1 day as date))
                )
        end as valid_to_date
    from telling
    left join departures
        on
            telling.customer_id = departures.customer_id
            and telling.person_id = departures.person_id

),

company_domains as (

    select
        source,
        source_customer_id,
        domain
    from {{ ref('int_crm__customers') }}
    union all
    select
        source,
        source_customer_id,
        unnest(list_concat([domain], string_split(other_domains, ';'))) as domain
    from {{ ref('int_support__customers') }}

),

-- One company's own: nobody else's, and none at which anybody gets a mailbox.
own_domains as (

    select
        lower(trim(company_domains.domain)) as domain,
        min(known_ids.durable_id) as customer_id
    from company_domains
    inner join {{ ref('int_customers__record_ids') }} as known_ids
        on
            known_ids.entity = 'customer'
            and known_ids.list_kind = 'customer'
            and company_domains.source = known_ids.source
            and company_domains.source_customer_id = known_ids.source_record_id
    anti join {{ ref('free_mail_domains') }} as free_mail
        on lower(trim(company_domains.domain)) = free_mail.domain
    where trim(company_domains.domain) <> ''
    group by lower(trim(company_domains.domain))
    having count(distinct known_ids.durable_id) = 1

),

person_emails as (

    select
        source,
        list_kind,
        source_record_id,
        cast(first_seen_at as date) as first_seen_date,
        unnest(emails) as email
    from {{ ref('int_customers__person_records') }}

),

by_domain as (

    select
        own_domains.customer_id,
        record_ids.durable_id as person_id,
        'contact' as role,
        'email domain' as evidence,
        person_emails.source,
        person_emails.first_seen_date as valid_from_date
    from person_emails
    inner join own_domains
        on split_part({{ email_key('person_emails.email') }}, '@', 2) = own_domains.domain
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            record_ids.entity = 'person'
            and person_emails.source = record_ids.source
            and person_emails.list_kind = record_ids.list_kind
            and person_emails.source_record_id = record_ids.source_record_id
    anti join statements
        on record_ids.durable_id = statements.person_id

),

all_spells as (

    select * from spells
    where coalesce(valid_to_date > valid_from_date, true)
    union all by name
    select by_domain.*
    from by_domain
    cross join context
    where coalesce(by_domain.valid_from_date <= context.as_of_date, true)

),

closed_spells as (

    select
        *,
        coalesce(valid_from_date, date '0001-01-01') as from_date,
        coalesce(valid_to_date, date '9999-12-31') as to_date
    from all_spells

),

marked as (

    select
        *,
        coalesce(
            from_date > max(to_date) over (
                partition by customer_id, person_id, role
                order by from_date, to_date, evidence, source
                rows between unbounded preceding and 1 preceding
            ), true
        ) as is_start
    from closed_spells

),

islands as (

    select
        *,
        count(*) filter (where is_start) over (
            partition by customer_id, person_id, role
            order by from_date, to_date, evidence, source
            rows unbounded preceding
        ) as island_number,
        list_position(
            ['crm role', 'crm association', 'product group', 'help desk', 'email domain', 'self'], evidence
        ) as evidence_rank
    from marked

),

merged as (

    select
        customer_id,
        person_id,
        role,
        island_number,
        min(from_date) as from_date,
        max(to_date) as to_date,
        arg_min(evidence, evidence_rank) as evidence,
        arg_min(source, row(evidence_rank, from_date, source)) as source
    from islands
    group by customer_id, person_id, role, island_number

)

select
    merged.customer_id,
    merged.person_id,
    merged.role,
    merged.evidence,
    merged.source,
    nullif(merged.from_date, date '0001-01-01') as valid_from_date,
    -- An end that is still to come is none yet.
    case when merged.to_date <= context.as_of_date then merged.to_date end as valid_to_date,
    valid_to_date is null as is_current
from merged
cross join context
