//! The same client without async: starts the notebooks named on the command line, one after the other.

use modelarts::Result;
use modelarts::blocking::ModelArts;

fn main() -> Result<()> {
    let client = ModelArts::from_env()?;
    for id in std::env::args().skip(1) {
        let notebook = client.run(|client| client.notebooks().ensure_running(&id))?;
        println!("{id}  {}", notebook.name.unwrap_or_default());
    }
    Ok(())
}
