//! Rewrites the code with which the generator turns parameters and body into a request.

use std::collections::BTreeMap;

use syn::visit_mut::VisitMut;

/// Adapts the generator's request expression to the code around it.
pub(super) struct Seam<'a> {
    /// The content type of the body.
    pub(super) media_type: Option<&'a str>,
    /// Whether the body is optional.
    pub(super) optional_body: bool,
    /// Other names of query parameters (`x-also`), which are sent with the same value.
    pub(super) also: BTreeMap<String, Vec<String>>,
}

impl VisitMut for Seam<'_> {
    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        // Only the generator's hooks needed `let mut request`.
        if let syn::Pat::Ident(name) = &mut local.pat
            && name.ident == "request"
        {
            name.mutability = None;
            local.attrs.clear();
        }
        syn::visit_mut::visit_local_mut(self, local);
    }

    fn visit_expr_mut(&mut self, expression: &mut syn::Expr) {
        syn::visit_mut::visit_expr_mut(self, expression);
        match expression {
            syn::Expr::Field(field) if matches!(&field.member, syn::Member::Named(name) if name == "client") =>
            {
                *expression = syn::parse_quote!(client.http);
            }
            syn::Expr::Try(attempt) if matches!(&*attempt.expr, syn::Expr::MethodCall(call) if call.method == "build") =>
            {
                let build = &attempt.expr;
                *expression = syn::parse_quote! {
                    #build.map_err(|error| RequestError::unbuilt(operation, error))?
                };
            }
            // Conversion of a header value.
            syn::Expr::Try(attempt) if matches!(&*attempt.expr, syn::Expr::MethodCall(call) if call.method == "try_into") =>
            {
                let value = &attempt.expr;
                *expression = syn::parse_quote! {
                    #value.map_err(|error| RequestError::header(operation, &error))?
                };
            }
            syn::Expr::MethodCall(call) if call.method == "query" => {
                let Some((name, value)) = query_parameter(&call.args) else {
                    return;
                };
                let mut request: syn::Expr = syn::Expr::MethodCall(call.clone());
                for other in self.also.get(&name).into_iter().flatten() {
                    request = syn::parse_quote! {
                        #request.query(&progenitor_client::QueryParam::new(#other, #value))
                    };
                }
                *expression = request;
            }
            syn::Expr::MethodCall(call) if call.method == "json" && self.optional_body => {
                let request = &call.receiver;
                let media_type = self.media_type.unwrap_or("application/json");
                *expression = syn::parse_quote! {
                    crate::request::with_optional_body(#request, #media_type, body.as_ref())
                };
            }
            syn::Expr::MethodCall(call) if call.method == "json" => {
                if let Some(media_type) = self.media_type.filter(|it| *it != "application/json") {
                    let request = &call.receiver;
                    call.receiver = syn::parse_quote! {
                        #request.header(::reqwest::header::CONTENT_TYPE, #media_type)
                    };
                }
            }
            _ => {}
        }
    }
}

/// The name and the value in `&progenitor_client::QueryParam::new("name", &value)`.
fn query_parameter(
    arguments: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
) -> Option<(String, syn::Expr)> {
    let Some(syn::Expr::Reference(reference)) = arguments.first() else {
        return None;
    };
    let syn::Expr::Call(new) = &*reference.expr else {
        return None;
    };
    let Some(syn::Expr::Lit(syn::ExprLit {
        lit: syn::Lit::Str(name),
        ..
    })) = new.args.first()
    else {
        return None;
    };
    Some((name.value(), new.args.get(1)?.clone()))
}
