{#-
    The identity ledger as it stood before this run, as a relation or subquery to select from. A home, or a release that
    a lost warehouse was restored from, may still have only the ledger of customers that came before it: its rows are
    the earliest history then. Nothing at all is an empty ledger.
-#}
{% macro ledger_before() -%}
    {%- set ledger = adapter.get_relation(target.database, 'state', 'identity_ledger') if execute -%}
    {%- set customers_only = adapter.get_relation(target.database, 'state', 'customer_ledger') if execute -%}
    {%- if ledger -%}
        {{ ledger }}
    {%- elif customers_only -%}
        {{ ledger_of_customers(customers_only) }}
    {%- else -%}
        (
            select
                cast(null as bigint) as ledger_number,
                cast(null as varchar) as entity,
                cast(null as varchar) as source,
                cast(null as varchar) as list_kind,
                cast(null as varchar) as source_record_id,
                cast(null as varchar) as durable_id,
                cast(null as varchar) as cause,
                cast(null as date) as known_date
            where false
        )
    {%- endif -%}
{%- endmacro %}

{#- The rows of the earlier `state.customer_ledger`, in which each record had a customer of its own, as ours. -#}
{% macro ledger_of_customers(relation) -%}
    (
        select
            row_number() over (order by known_date, source, source_customer_id) as ledger_number,
            'customer' as entity,
            source,
            'customer' as list_kind,
            source_customer_id as source_record_id,
            customer_id as durable_id,
            cause,
            known_date
        from {{ relation }}
    )
{%- endmacro %}

{#- The last row of `state.identity_versions` before this run, as a subquery to select from; no row in a new home. -#}
{% macro versions_before() -%}
    {%- set versions = adapter.get_relation(target.database, 'state', 'identity_versions') if execute -%}
    {%- if versions -%}
        (select * from {{ versions }} order by version_number desc limit 1)
    {%- else -%}
        (
            select
                cast(null as integer) as version_number,
                cast(null as varchar) as rules_version,
                cast(null as varchar) as overrides_version,
                cast(null as varchar) as model_version
            where false
        )
    {%- endif -%}
{%- endmacro %}
