"""Signs in with a password, then lists the notebooks."""

import os

from devenviron import AuthenticatedClient
from devenviron.api.notebooks import list_notebooks
from devenviron.models import NotebookList
from iam import Client
from iam.api.tokens import create_token
from iam.models import (
    AuthReq,
    CreateTokenRequest,
    DomainReq,
    IdentityReq,
    PasswordIdentityReq,
    PasswordUserReq,
    ProjectScopeReq,
    ScopeReq,
)

project = os.environ["OS_PROJECT_ID"]
user = PasswordUserReq(
    name=os.environ["OS_USERNAME"],
    password=os.environ["OS_PASSWORD"],
    domain=DomainReq(name=os.environ["OS_USER_DOMAIN_NAME"]),
)
signed_in = create_token.sync_detailed(
    client=Client(base_url=os.environ["OS_AUTH_URL"].removesuffix("/v3")),
    body=CreateTokenRequest(
        auth=AuthReq(
            identity=IdentityReq(methods=["password"], password=PasswordIdentityReq(user=user)),
            scope=ScopeReq(project=ProjectScopeReq(id=project)),
        )
    ),
)

client = AuthenticatedClient(
    base_url=os.environ["MODELARTS_ENDPOINT"],
    token=signed_in.headers["X-Subject-Token"],
    prefix="",
    auth_header_name="X-Auth-Token",
)
page = list_notebooks.sync(project, client=client)
if not isinstance(page, NotebookList):
    raise SystemExit(f"refused: {page}")
for notebook in page.data or []:
    print(notebook.id, notebook.name, notebook.status)
