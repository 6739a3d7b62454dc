//! The HTTP client underneath.

use std::time::Duration;

use crate::error::{Error, Result};

/// A builder with the settings that this crate's own HTTP client has, for those who need more of them.
///
/// Pass what it builds to [`ModelArtsBuilder::http_client`](crate::ModelArtsBuilder::http_client). Redirects are off: they
/// would carry credentials to another host. There is no time limit here but that of connecting, since calls have theirs.
///
/// ```
/// let http = modelarts::http_client_builder()?.pool_max_idle_per_host(2).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When TLS cannot be set up.
pub fn http_client_builder() -> Result<reqwest::ClientBuilder> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        // Gateways drop idle connections after a minute or so; a creation that meets the drop cannot be repeated.
        .pool_idle_timeout(Duration::from_secs(30));
    #[cfg(feature = "rustls")]
    let builder = builder.tls_backend_preconfigured(tls::config()?);
    Ok(builder)
}

pub(crate) fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder
        .build()
        .map_err(|error| Error::configuration(format!("the HTTP client cannot be built: {error}")))
}

/// TLS by rustls and ring, without a process-wide provider: that choice is the application's.
#[cfg(feature = "rustls")]
mod tls {
    use std::sync::{Arc, OnceLock};

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};
    use rustls_platform_verifier::Verifier;

    use crate::error::{Error, Result};

    pub(super) fn config() -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = LazyVerifier {
            provider: provider.clone(),
            platform: OnceLock::new(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::configuration(format!("TLS cannot be set up: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(config)
    }

    /// The platform's verifier, set up with the first handshake: loading the certificates takes longer than many a call.
    #[derive(Debug)]
    struct LazyVerifier {
        provider: Arc<CryptoProvider>,
        platform: OnceLock<Result<Verifier, TlsError>>,
    }

    impl LazyVerifier {
        fn platform(&self) -> Result<&Verifier, TlsError> {
            self.platform
                .get_or_init(|| Verifier::new(self.provider.clone()))
                .as_ref()
                .map_err(Clone::clone)
        }
    }

    impl ServerCertVerifier for LazyVerifier {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            server_name: &ServerName<'_>,
            ocsp_response: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, TlsError> {
            self.platform()?.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, TlsError> {
            self.platform()?
                .verify_tls12_signature(message, certificate, signature)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, TlsError> {
            self.platform()?
                .verify_tls13_signature(message, certificate, signature)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            let algorithms = &self.provider.signature_verification_algorithms;
            algorithms.supported_schemes()
        }
    }
}
