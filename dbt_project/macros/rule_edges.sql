{#- What a rule in `identity_rules.csv` can name under unless_differs. -#}
{% macro rule_guards() -%}
    name birth_date tax_id national_id mailbox email
{%- endmacro %}

{#-
    The edges that the rules in `identity_rules.csv` give between records of one entity (person or company), one row
    per pair and rule. `identifiers` is a relation with entity, record_id, id_type and id_value.

    A demoted value gives no edge, but one that some share counts where the names agree strictly. A rule doesn't hold
    where one of the types in `unless_differs` is known of both records and differs. Keys of a rule on more records
    than `max_shared_keys` are left out, as the pairs grow as their square.
-#}
{% macro rule_edges(entity, identifiers, merges) -%}
rules as (

    select
        rule,
        tier,
        confidence,
        string_split(identifiers, '+') as parts,
        coalesce(string_split(unless_differs, '+'), []) as unless_differs
    from {{ ref('int_customers__identity_rules') }}
    where entity = '{{ entity }}'

),

usable as materialized (

    select
        told.record_id,
        told.id_type,
        told.id_value,
        coalesce(generic.counts_with_name, false) as is_shared
    from {{ identifiers }} as told
    left join {{ ref('int_customers__generic_identifiers') }} as generic
        on
            told.entity = generic.entity
            and told.id_type = generic.id_type
            and told.id_value = generic.id_value
    where told.entity = '{{ entity }}' and coalesce(generic.counts_with_name, true)

),

one_part as (

    select
        rules.rule,
        usable.record_id,
        usable.id_value as key,
        usable.is_shared
    from usable
    inner join rules on usable.id_type = rules.parts[1] and len(rules.parts) = 1

),

first_parts as materialized (

    select
        rules.rule,
        rules.parts[2] as other_type,
        usable.record_id,
        usable.id_value
    from usable
    inner join rules on usable.id_type = rules.parts[1] and len(rules.parts) = 2

),

-- Who shares two values is known by both, though others have one of them.
two_parts as (

    select
        one.rule,
        one.record_id,
        one.id_value || chr(31) || other.id_value as key,
        false as is_shared
    from first_parts as one
    inner join usable as other on one.record_id = other.record_id and one.other_type = other.id_type

),

keys as (

    select * from one_part
    union all
    select * from two_parts

),

blocks as (

    select
        rule,
        key
    from keys
    group by rule, key
    having count(*) between 2 and {{ var('max_shared_keys') }}

),

shared_keys as materialized (

    select keys.*
    from keys
    inner join blocks using (rule, key)

),

-- What the rules' guards ask, of the records that share something.
known as (

    select
        record_id,
        {%- for id_type in ['name', 'birth_date', 'tax_id', 'national_id', 'email_canonical'] %}
        list(id_value order by id_value) filter (where id_type = '{{ id_type }}') as {{ id_type }}s,
        {%- endfor %}
        list(split_part(id_value, '@', 2)) filter (
            where id_type = 'email_canonical' and free_mail.domain is null
        ) as mail_domains
    from usable
    semi join shared_keys on usable.record_id = shared_keys.record_id
    left join {{ ref('free_mail_domains') }} as free_mail on split_part(id_value, '@', 2) = free_mail.domain
    where id_type in ('name', 'birth_date', 'tax_id', 'national_id', 'email_canonical')
    group by record_id

),

pairs as (

    select
        one.rule,
        one.key,
        one.record_id as record_id_l,
        other.record_id as record_id_r,
        one.is_shared
    from shared_keys as one
    inner join shared_keys as other
        on one.rule = other.rule and one.key = other.key and one.record_id < other.record_id

),

compared as (

    select
        pairs.*,
        rules.tier,
        rules.confidence,
        rules.unless_differs,
        string_split(one.names[1], ' ') as words_l,
        string_split(other.names[1], ' ') as words_r,
        coalesce(not list_has_any(one.birth_dates, other.birth_dates), false) as birth_date_differs,
        coalesce(not list_has_any(one.tax_ids, other.tax_ids), false) as tax_id_differs,
        coalesce(not list_has_any(one.national_ids, other.national_ids), false) as national_id_differs,
        coalesce(
            list_has_any(one.mail_domains, other.mail_domains)
            and not list_has_any(one.email_canonicals, other.email_canonicals), false
        ) as mailbox_differs,
        coalesce(not list_has_any(one.email_canonicals, other.email_canonicals), false) as email_differs
    from pairs
    inner join rules using (rule)
    left join known as one on pairs.record_id_l = one.record_id
    left join known as other on pairs.record_id_r = other.record_id

),

named as (

    select
        *,
        coalesce(not {{ names_agree('words_l', 'words_r') }}, false) as name_differs
    from compared

),

-- What several people share tells one of them only together with the whole name.
judged as (

    select
        *,
        is_shared
        or bool_or(name_differs and list_contains(unless_differs, 'name')) over (partition by rule, key) as needs_name
    from named

),

final as (

    select distinct
        record_id_l,
        record_id_r,
        rule,
        tier,
        confidence
    from judged
    where
        {%- for id_type in rule_guards().split() %}
        not (list_contains(unless_differs, '{{ id_type }}') and {{ id_type }}_differs) and
        {%- endfor %}
        (not needs_name or coalesce({{ names_agree('words_l', 'words_r', strictly=true) }}, false))

)

select
    record_id_l,
    record_id_r,
    rule,
    tier,
    confidence
from final
union all
select distinct
    source || '/' || list_kind || '/' || least(merged_id, kept_id) as record_id_l,
    source || '/' || list_kind || '/' || greatest(merged_id, kept_id) as record_id_r,
    '{{ entity }} merged in its source' as rule,
    'strong' as tier,
    1 as confidence
from {{ merges }}
{%- endmacro %}
