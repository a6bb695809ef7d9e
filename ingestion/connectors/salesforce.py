"""Salesforce: SOQL queries in the order of changes, records in the bin included.

sources.yml: `salesforce: {api: {base_url: "https://acme.my.salesforce.com", client_id: "${SALESFORCE_CLIENT_ID}",
client_secret: "${SALESFORCE_CLIENT_SECRET}"}}`, of a connected app with the client credentials flow.
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from dlt.sources.helpers.requests import Response
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from requests import PreparedRequest

from ingestion.connectors.client import UNAUTHORISED, Api
from ingestion.connectors.endpoints import Connector, Endpoint, Field, Record, Setting, Settings, Table, iso

VERSION = "/services/data/v61.0"


class _Login(OAuth2ClientCredentials):
    """Logs in anew, once for a request, where a session has ended before the reading."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request = super().__call__(request)
        request.register_hook("response", self._ask_again)
        return request

    def _ask_again(self, response: Response, **kwargs: Any) -> Response:
        if response.status_code != UNAUTHORISED:
            return response
        request = response.request.copy()
        if request.headers["Authorization"] == f"Bearer {self.access_token}":
            self.obtain_token()
        request.headers["Authorization"] = f"Bearer {self.access_token}"
        response.close()
        return response.connection.send(request, **kwargs)


def _login(settings: Settings) -> OAuth2ClientCredentials:
    return _Login(
        access_token_url=f"{settings['base_url'].rstrip('/')}/services/oauth2/token",
        client_id=settings["client_id"],
        client_secret=settings["client_secret"],
    )


def _query(
    kind: str, table: Table, changed: str = "SystemModstamp"
) -> Callable[[Api, datetime | None], Iterator[list[Record]]]:
    def read(api: Api, since: datetime | None) -> Iterator[list[Record]]:
        # A query for a field that the organisation lacks is refused as a whole.
        known = {field["name"] for field in api.once(f"{VERSION}/sobjects/{kind}/describe", "fields")}
        paths = [field.path if isinstance(field, Field) else field for field in table.fields.values()]
        condition = f" WHERE {changed} >= {iso(since)}" if since else ""
        soql = f"SELECT {', '.join(path for path in paths if path in known)} FROM {kind}{condition} ORDER BY {changed}"
        return api.pages(
            f"{VERSION}/queryAll", "records", JSONLinkPaginator("nextRecordsUrl"), params={"q": soql}, key="Id"
        )

    return read


def _time(value: str) -> str:
    """2026-05-01T10:00:00.000+0000, an offset without a colon, as ISO text with a Z."""
    return value.replace("+0000", "Z")


MADE = {"created_date": Field("CreatedDate", _time)}
STAMPS = {
    **MADE,
    "last_modified_date": Field("LastModifiedDate", _time),
    "system_modstamp": Field("SystemModstamp", _time),
}
ACCOUNTS = Table(
    "accounts",
    {
        "id": "Id",
        "is_deleted": "IsDeleted",
        "master_record_id": "MasterRecordId",
        "name": "Name",
        "type": "Type",
        "parent_id": "ParentId",
        "billing_street": "BillingStreet",
        "billing_city": "BillingCity",
        "billing_postal_code": "BillingPostalCode",
        "billing_country": "BillingCountry",
        "phone": "Phone",
        "website": "Website",
        "industry": "Industry",
        "number_of_employees": "NumberOfEmployees",
        "vat_number": Field("VAT_Number__c", is_custom=True),
        "health": Field("Health__c", is_custom=True),
        "renewal_date": Field("Renewal_Date__c", is_custom=True),
        "owner_id": "OwnerId",
        **STAMPS,
    },
)
CONTACTS = Table(
    "contacts",
    {
        "id": "Id",
        "is_deleted": "IsDeleted",
        "master_record_id": "MasterRecordId",
        "account_id": "AccountId",
        "first_name": "FirstName",
        "last_name": "LastName",
        "email": "Email",
        "phone": "Phone",
        "mobile_phone": "MobilePhone",
        "title": "Title",
        "contact_role": Field("Contact_Role__c", is_custom=True),
        "mailing_street": "MailingStreet",
        "mailing_city": "MailingCity",
        "mailing_postal_code": "MailingPostalCode",
        "mailing_country": "MailingCountry",
        **STAMPS,
    },
)
OPPORTUNITIES = Table(
    "opportunities",
    {
        "id": "Id",
        "is_deleted": "IsDeleted",
        "account_id": "AccountId",
        "name": "Name",
        "stage_name": "StageName",
        "type": "Type",
        "amount": "Amount",
        # Only where the organisation has more than one currency.
        "currency_iso_code": Field("CurrencyIsoCode", is_custom=True),
        "close_date": "CloseDate",
        "is_closed": "IsClosed",
        "is_won": "IsWon",
        "owner_id": "OwnerId",
        **STAMPS,
    },
)
OPPORTUNITY_HISTORY = Table(
    "opportunity_history",
    {
        "id": "Id",
        "opportunity_id": "OpportunityId",
        "stage_name": "StageName",
        "amount": "Amount",
        "close_date": "CloseDate",
        "probability": "Probability",
        **MADE,
    },
)
USERS = Table(
    "users",
    {
        "id": "Id",
        "name": "Name",
        "email": "Email",
        "is_active": "IsActive",
        "department": "Department",
        **MADE,
        "system_modstamp": Field("SystemModstamp", _time),
    },
)

CONNECTOR = Connector(
    hosts=("*.my.salesforce.com",),
    settings=(Setting("base_url"), Setting("client_id", is_secret=True), Setting("client_secret", is_secret=True)),
    auth=_login,
    endpoints=(
        Endpoint((USERS,), _query("User", USERS)),
        Endpoint((ACCOUNTS,), _query("Account", ACCOUNTS), ordered_by="SystemModstamp"),
        Endpoint((CONTACTS,), _query("Contact", CONTACTS), ordered_by="SystemModstamp"),
        Endpoint((OPPORTUNITIES,), _query("Opportunity", OPPORTUNITIES), ordered_by="SystemModstamp"),
        Endpoint(
            (OPPORTUNITY_HISTORY,),
            _query("OpportunityHistory", OPPORTUNITY_HISTORY, changed="CreatedDate"),
            ordered_by="CreatedDate",
        ),
    ),
)
