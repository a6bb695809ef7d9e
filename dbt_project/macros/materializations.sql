{#-
    Views and tables with fewer statements than dbt's own, which move the old one away under another name, one statement
    and one look at dbt's cache after the other: of hundreds of small models that is a good part of a run. Here, too,
    nobody sees half a model: what takes the old one's place does so in the transaction that made it.
-#}
{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        {%- if existing is not none %}drop {{ existing.type }} {{ existing }};{% endif %}
        {{ get_create_view_as_sql(target, sql) }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set intermediate = make_intermediate_relation(target) -%}
    {{ drop_relation_if_exists(load_cached_relation(intermediate)) }}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main', language=model.language) -%}
        {{ create_table_as(False, intermediate, compiled_code, model.language) }}
    {%- endcall %}
    {% call statement('take_its_place') -%}
        {%- if existing is not none %}drop {{ existing.type }} {{ existing }};{% endif %}
        alter table {{ intermediate }} rename to {{ target.include(database=false, schema=false) }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- An incremental model in Python leaves the rows that it appends in a table of their own, one more each run. -#}
{% macro drop_what_python_left() %}
    {%- set left = [] -%}
    {%- if execute -%}
        {%- set left = run_query(
            "select table_name from duckdb_tables() where schema_name = 'main' and contains(table_name, '__dbt_tmp')"
        ).columns[0].values() -%}
    {%- endif -%}
    {%- for name in left %}
        drop table main.{{ adapter.quote(name) }};
    {%- endfor %}
{% endmacro %}
