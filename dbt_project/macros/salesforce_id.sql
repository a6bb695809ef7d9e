{#-
    A Salesforce id with its 18 characters. The short form has 15, in which upper and lower case differ; the last three
    make it safe where they don't: one character for each five, which says which of them are upper case (A = none,
    then in binary, the first of the five being the lowest bit). Anything of another length is left as it is.
-#}
{% macro salesforce_id(id) -%}
    case
        when length({{ id }}) in (15, 18)
            then concat(
                left({{ id }}, 15)
                {%- for first in [1, 6, 11] -%}
                    , substr(
                        'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1
                        {%- for place in range(5) %}
                        + if(substr({{ id }}, {{ first + place }}, 1) between 'A' and 'Z', {{ 2 ** place }}, 0)
                        {%- endfor -%}
                    , 1)
                {%- endfor %}
            )
        else {{ id }}
    end
{%- endmacro %}
