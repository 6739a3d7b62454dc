//! Compresses the renderer of the documentation pages, which then takes less than a third of its room in programs.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "docs")]
    renderer::write()?;
    Ok(())
}

#[cfg(feature = "docs")]
mod renderer {
    use std::error::Error;
    use std::fs::File;
    use std::io::Write;
    use std::path::PathBuf;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    pub(super) fn write() -> Result<(), Box<dyn Error>> {
        let script = scalar_api_reference::get_asset("scalar.js")
            .ok_or("scalar_api_reference has no scalar.js")?;
        let folder = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
        let file = File::create(PathBuf::from(folder).join("scalar.js.gz"))?;
        let mut encoder = GzEncoder::new(file, Compression::best());
        encoder.write_all(&script)?;
        encoder.finish()?;
        Ok(())
    }
}
