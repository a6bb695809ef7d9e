{#-
    The revenue ledger is kept from run to run: a model of the strategy `by_change` makes anew what it tells of the
    subscriptions (int_revenue__changed_subscriptions) or customers (int_revenue__changed_customers) of which something
    changed, and leaves the rest. These macros say when all is made anew, and how the rows are replaced.
-#}

{#- dbt's own answer; of a kept model also where the ledger was made otherwise, or its rows end with another month. -#}
{% macro should_full_refresh() %}
    {%- set is_asked = config.get('full_refresh') -%}
    {%- if is_asked is none -%}{%- set is_asked = flags.FULL_REFRESH -%}{%- endif -%}
    {%- if is_asked or config.get('incremental_strategy') != 'by_change' -%}
        {{ return(is_asked) }}
    {%- endif -%}
    {%- set version = run_query(ledger_version()).rows | first -%}
    {{ return(not (version and version.is_kept and (version.is_same_month or not config.get('meta', {}).get('ends_with_month')))) }}
{% endmacro %}

{% macro ledger_version() -%}
    select is_kept, is_same_month from intermediate.int_revenue__ledger_version
{%- endmacro %}

{#- The rows of what changed go, and come as they are now. -#}
{% macro get_incremental_by_change_sql(arg_dict) -%}
    {%- set columns = arg_dict.dest_columns | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict.target_relation }}
    where
        {%- if arg_dict.unique_key is string %}
        {{ arg_dict.unique_key }} in (select customer_id from intermediate.int_revenue__changed_customers)
        {%- else %}
        ({{ arg_dict.unique_key | join(', ') }}) in (
            select ({{ arg_dict.unique_key | join(', ') }}) from intermediate.int_revenue__changed_subscriptions
        )
        {%- endif %};
    insert into {{ arg_dict.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arg_dict.temp_relation }}
{%- endmacro %}

{#- In a kept model: of which subscriptions, or customers, it makes rows anew; of all, where all is made anew. -#}
{% macro of_changed(columns) -%}
    {%- set is_of_customers = 'customer_id' in columns -%}
    {%- set changed = ref('int_revenue__changed_' ~ ('customers' if is_of_customers else 'subscriptions')) -%}
    {%- if is_incremental() -%}
        where ({{ columns }}) in (select ({{ 'customer_id' if is_of_customers else columns }}) from {{ changed }})
    {%- endif -%}
{%- endmacro %}

{#-
    A changed subscription stays marked, with its customers of before and of now, until every kept model is made: what
    ends earlier may have told half of it. Where more than subscriptions changed, nothing counts as kept until then.
-#}
{% macro mark_as_changed(changed) -%}
    {%- set kept = adapter.get_relation(target.database, 'intermediate', 'kept_subscriptions') -%}
    {%- set version = run_query(ledger_version()).rows | first if kept -%}
    {%- if version and version.is_kept and version.is_same_month -%}
        delete from {{ kept }}
        where (source, source_subscription_id) in (select (source, source_subscription_id) from {{ changed }});
        insert into {{ kept }} by name
        select
            changed.*,
            version.ledger_version,
            version.month_version
        from {{ changed }} as changed
        cross join intermediate.int_revenue__ledger_version as version
    {%- elif kept -%}
        drop table {{ kept }}
    {%- endif -%}
{%- endmacro %}

{#- At the end of a run that made all kept models: what they were made of. -#}
{% macro keep_ledger(results) -%}
    {%- set kept_models = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.config.get('incremental_strategy') == 'by_change' -%}
        {%- do kept_models.append(node.unique_id) -%}
    {%- endfor -%}
    {%- for result in results if result.status == 'success' and result.node.unique_id in kept_models -%}
        {%- do kept_models.remove(result.node.unique_id) -%}
    {%- endfor -%}
    {%- if execute and not kept_models -%}
        create or replace table intermediate.kept_subscriptions as
        select
            inputs.source,
            inputs.source_subscription_id,
            inputs.fingerprint,
            inputs.customer_ids,
            version.ledger_version,
            version.month_version
        from intermediate.int_revenue__subscription_inputs as inputs
        cross join intermediate.int_revenue__ledger_version as version
    {%- endif -%}
{%- endmacro %}

{#- What the ledger that is kept was made of, as a relation or subquery to select from; no row where none is kept. -#}
{% macro kept_subscriptions() -%}
    {%- set kept = adapter.get_relation(target.database, 'intermediate', 'kept_subscriptions') if execute -%}
    {%- if kept -%}
        {{ kept }}
    {%- else -%}
        (
            select
                cast(null as varchar) as source,
                cast(null as varchar) as source_subscription_id,
                cast(null as ubigint) as fingerprint,
                cast(null as varchar []) as customer_ids,
                cast(null as varchar) as ledger_version,
                cast(null as varchar) as month_version
            where false
        )
    {%- endif -%}
{%- endmacro %}

{#- The rules by which all is made: the models, macros and settings of this project (`orchestration.transform`). -#}
{% macro project_version() -%}
    main.project_version()
{%- endmacro %}
