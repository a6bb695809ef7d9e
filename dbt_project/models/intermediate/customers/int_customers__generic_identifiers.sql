with free_mail as (

    select
        domain,
        'free mail' as reason
    from {{ ref('free_mail_domains') }}

),

identifiers as (

    select
        entity,
        record_id,
        id_type,
        id_value
    from {{ ref('int_customers__identifiers') }}
    where id_type <> 'external_id'

),

value_counts as (

    select
        entity,
        id_type,
        id_value,
        count(*) as record_count
    from identifiers
    group by all

),

parts as (

    select
        *,
        case when id_type in ('email', 'email_canonical')
                then regexp_replace(split_part(split_part(id_value, '@', 1), '+', 1), '[\d._-]+$', '')
        end as mailbox,
        case when id_type in ('email', 'email_canonical') then split_part(id_value, '@', 2) end as mail_domain,
        case when id_type = 'domain' then id_value end as web_domain,
        case when id_type = 'name' then id_value end as full_name
    from value_counts

),

told_by_words as (

    select
        parts.*,
        coalesce(mailboxes.reason, mail_domains.reason, web_domains.reason, names.reason, free_mail.reason) as reason
    from parts
    left join {{ ref('generic_values') }} as mailboxes on parts.mailbox = mailboxes.word and mailboxes.part = 'mailbox'
    left join {{ ref('generic_values') }} as mail_domains
        on parts.mail_domain = mail_domains.word and mail_domains.part = 'mail_domain'
    left join {{ ref('generic_values') }} as web_domains
        on parts.web_domain = web_domains.word and web_domains.part = 'mail_domain'
    left join {{ ref('generic_values') }} as names on parts.full_name = names.word and names.part = 'name'
    left join free_mail
        on parts.web_domain = free_mail.domain

),

names_at_values as (

    select distinct
        identifiers.entity,
        identifiers.id_type,
        identifiers.id_value,
        string_split(names.id_value, ' ') as words
    from identifiers
    inner join value_counts using (entity, id_type, id_value)
    inner join identifiers as names
        on identifiers.record_id = names.record_id and identifiers.entity = names.entity and names.id_type = 'name'
    inner join {{ ref('identity_identifiers') }} as limits
        on identifiers.entity = limits.entity and identifiers.id_type = limits.id_type
    where
        identifiers.id_type in ('email_canonical', 'phone', 'domain')
        and value_counts.record_count between 2 and limits.max_records

),

-- A mailbox or a phone of several people tells a person only together with the name.
shared_values as (

    select distinct
        one.entity,
        one.id_type,
        one.id_value
    from names_at_values as one
    inner join names_at_values as other
        on
            one.entity = other.entity
            and one.id_type = other.id_type
            and one.id_value = other.id_value
            and one.words < other.words
    where not {{ names_agree('one.words', 'other.words') }}

),

final as (

    select
        told.entity,
        told.id_type,
        told.id_value,
        case
            when told.reason is not null then told.reason
            when told.record_count > limits.max_records then 'on many records'
            else 'several names'
        end as reason,
        told.reason is null and told.record_count <= limits.max_records as counts_with_name,
        told.record_count
    from told_by_words as told
    inner join {{ ref('identity_identifiers') }} as limits using (entity, id_type)
    left join shared_values as shared using (entity, id_type, id_value)
    where told.reason is not null or told.record_count > limits.max_records or shared.id_value is not null

)

select
    entity,
    id_type,
    id_value,
    reason,
    counts_with_name,
    record_count
from final
