//! Tag `Projects` of the identity service.

use modelarts_client::iam::types::{AuthDomain, AuthDomainList, Links, Project, ProjectList};

use crate::app::App;
use crate::error::ApiResult;
use crate::fields::with_fields;
use crate::generated::iam::{ListProjectsQuery, Projects};
use crate::http::{Cx, Reply};
use crate::identity::accounts;

impl Projects for App {
    async fn list_auth_domains(&self, cx: &Cx) -> ApiResult<Reply<AuthDomainList>> {
        let domains = self.read_for(cx, |state, at| {
            let user = state.accounts.users.get(&at.caller.user);
            let domain = user.and_then(|user| state.accounts.domains.get(&user.domain));
            let domain = domain.map(|domain| {
                with_fields!(AuthDomain {
                    enabled: Some(true),
                    id: Some(domain.id.clone()),
                    name: Some(domain.name.clone()),
                })
            });
            Ok(domain.into_iter().collect())
        })?;
        let list = with_fields!(AuthDomainList {
            domains: Some(domains),
        });
        Ok(list.into())
    }

    async fn list_projects(
        &self,
        cx: &Cx,
        query: ListProjectsQuery,
    ) -> ApiResult<Reply<ProjectList>> {
        // The list contains a link to itself.
        let path = modelarts_client::operation("listProjects").map_or("", |(_, it)| it.path);
        let url = self.base_url(&cx.headers) + path;
        let fits = |project: &&accounts::Project| {
            let named = query.name.as_ref().is_none_or(|it| project.name == *it);
            let domain = query.domain_id.as_ref();
            // All projects are enabled.
            named && domain.is_none_or(|it| project.domain == *it) && query.enabled != Some(false)
        };
        let projects = self.read_for(cx, |state, at| {
            let user = state.accounts.users.get(&at.caller.user);
            let ids = user.into_iter().flat_map(|user| &user.projects);
            let projects = ids.filter_map(|id| state.accounts.projects.get(id));
            let projects = projects.filter(fits);
            Ok(projects.map(|project| listed(project, &url)).collect())
        })?;
        let list = with_fields!(ProjectList {
            links: Some(links(&url)),
            projects: Some(projects),
        });
        Ok(list.into())
    }
}

fn listed(project: &accounts::Project, url: &str) -> Project {
    with_fields!(Project {
        description: Some(String::new()),
        domain_id: Some(project.domain.clone()),
        enabled: Some(true),
        id: Some(project.id.clone()),
        is_domain: Some(false),
        links: Some(links(&format!("{url}/{}", project.id))),
        name: Some(project.name.clone()),
        parent_id: Some(project.domain.clone()),
    })
}

fn links(url: &str) -> Links {
    with_fields!(Links {
        self_: Some(url.to_owned())
    })
}
