{#- The domain of a web address, without scheme, `www.` and path; what isn't one is left as it is. -#}
{% macro web_domain(expression) -%}
    coalesce(
        nullif(
            regexp_extract(
                lower(trim({{ expression }})),
                '^(?:[a-z]+://)?(?:www\.)?([^/:?#@ ]+\.[^/:?#@ .]+)(?:[:/?#].*)?$', 1
            ), ''
        ), {{ expression }}
    )
{%- endmacro %}
