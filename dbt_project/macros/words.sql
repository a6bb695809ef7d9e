{#- Words of many systems in ours. Each macro takes an expression; what is empty gives NULL. -#}

{#- How people reach each other: email, web, chat, phone, whatsapp, facebook, x, sms, api, push, in_app, meeting. -#}
{% macro channel_word(expression) -%}
    case replace(replace(lower(trim({{ expression }})), ' ', '_'), '-', '_')
        when 'email' then 'email'
        when 'e_mail' then 'email'
        when 'mail' then 'email'
        when 'web' then 'web'
        when 'web_form' then 'web'
        when 'help_center' then 'web'
        when 'chat' then 'chat'
        when 'live_chat' then 'chat'
        when 'messaging' then 'chat'
        when 'native_messaging' then 'chat'
        when 'phone' then 'phone'
        when 'voice' then 'phone'
        when 'call' then 'phone'
        when 'whatsapp' then 'whatsapp'
        when 'facebook' then 'facebook'
        when 'messenger' then 'facebook'
        when 'facebook_messenger' then 'facebook'
        when 'x' then 'x'
        when 'twitter' then 'x'
        when 'twitter_dm' then 'x'
        when 'sms' then 'sms'
        when 'api' then 'api'
        when 'push' then 'push'
        when 'in_app' then 'in_app'
        when 'meeting' then 'meeting'
        when 'in_person' then 'meeting'
        else if(coalesce(trim({{ expression }}), '') = '', null, 'other')
    end
{%- endmacro %}

{#- A person's role: executive_sponsor, champion, decision_maker, primary_contact, billing, user, other. -#}
{% macro role_word(expression) -%}
    case replace(replace(lower(trim({{ expression }})), ' ', '_'), '-', '_')
        when 'executive_sponsor' then 'executive_sponsor'
        when 'sponsor' then 'executive_sponsor'
        when 'champion' then 'champion'
        when 'decision_maker' then 'decision_maker'
        when 'budget_holder' then 'decision_maker'
        when 'economic_buyer' then 'decision_maker'
        when 'primary_contact' then 'primary_contact'
        when 'main_contact' then 'primary_contact'
        when 'billing' then 'billing'
        when 'billing_contact' then 'billing'
        when 'accounts_payable' then 'billing'
        when 'user' then 'user'
        when 'end_user' then 'user'
        else if(coalesce(trim({{ expression }}), '') = '', null, 'other')
    end
{%- endmacro %}

{#- What a team says of the contract: active, former, prospect; NULL for anything else. -#}
{% macro crm_status_word(expression) -%}
    case
        when lower(trim({{ expression }})) in ('active', 'customer', 'current') then 'active'
        when lower(trim({{ expression }})) like 'customer - %' then 'active'
        when lower(trim({{ expression }})) in ('former', 'former customer', 'churned', 'lost') then 'former'
        when lower(trim({{ expression }})) in ('prospect', 'lead', 'opportunity') then 'prospect'
    end
{%- endmacro %}

{#- What a customer success manager thinks: green, yellow, red; NULL for anything else. -#}
{% macro sentiment_word(expression) -%}
    case
        when lower(trim({{ expression }})) in ('green', 'yellow', 'red') then lower(trim({{ expression }}))
        when lower(trim({{ expression }})) in ('amber', 'orange') then 'yellow'
    end
{%- endmacro %}

{#- What an opportunity would bring: new_business, expansion, renewal, other. -#}
{% macro opportunity_kind_word(expression) -%}
    case replace(replace(lower(trim({{ expression }})), ' ', ''), '_', '')
        when 'newbusiness' then 'new_business'
        when 'existingbusiness' then 'expansion'
        when 'expansion' then 'expansion'
        when 'upsell' then 'expansion'
        when 'renewal' then 'renewal'
        else if(coalesce(trim({{ expression }}), '') = '', null, 'other')
    end
{%- endmacro %}

{#- What a meeting was for: qbr, value_review, discovery, check_in, other. -#}
{% macro meeting_kind_word(expression) -%}
    case replace(replace(lower(trim({{ expression }})), ' ', '_'), '-', '_')
        when 'qbr' then 'qbr'
        when 'quarterly_business_review' then 'qbr'
        when 'value_review' then 'value_review'
        when 'discovery' then 'discovery'
        when 'check_in' then 'check_in'
        else if(coalesce(trim({{ expression }}), '') = '', null, 'other')
    end
{%- endmacro %}
