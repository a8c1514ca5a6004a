//! Debian packages: installed only when missing, as root or through `sudo -n`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::sh::Cmd;
use crate::{paths, ui};

/// Forbids the use of apt: what is missing is then an error.
const NO_APT: &str = "MOCKWIRE_NO_APT";

/// Makes sure that the packages are installed. `why` completes "needed for".
pub(crate) fn ensure(packages: &[&str], why: &str) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|name| !installed(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if paths::which("apt-get").is_none() {
        bail!("{list} needed for {why}, and there is no apt-get here to install it with");
    }
    if std::env::var_os(NO_APT).is_some() {
        bail!("{list} needed for {why}, and {NO_APT} is set");
    }
    ui::note(&format!("installing {list} with apt-get, for {why}"));
    let log = paths::tools().join("apt.log");
    if install(&missing)?.run_logged(&log).is_ok() {
        return Ok(());
    }
    ui::note("that failed: refreshing apt's lists and trying once more");
    // Refreshing may fail for one source of many; whether the packages can be had is what counts.
    if let Err(error) = apt_get("update")?.run_logged(&log) {
        ui::note(&format!(
            "apt-get update was not content: {}",
            error.root_cause()
        ));
    }
    install(&missing)?
        .run_logged(&log)
        .with_context(|| format!("could not install {list}, needed for {why}"))
}

/// The version of an installed package.
pub(crate) fn version(package: &str) -> Option<String> {
    let mut query = Command::new("dpkg-query");
    let output = query
        .args(["-W", "-f=${db:Status-Status} ${Version}", package])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.strip_prefix("installed ").map(str::to_owned)
}

fn installed(package: &str) -> bool {
    version(package).is_some()
}

fn install(packages: &[&str]) -> Result<Cmd> {
    // Another apt may be at work: wait for it rather than fail.
    let options = "-y --no-install-recommends -o DPkg::Lock::Timeout=300";
    Ok(apt_get("install")?
        .words(options)
        .words(&packages.join(" ")))
}

fn apt_get(verb: &str) -> Result<Cmd> {
    let program = if is_root() {
        Cmd::new("env")
    } else if Cmd::new("sudo").words("-n true").succeeds() {
        Cmd::new("sudo").words("-n env")
    } else {
        bail!("apt-get {verb} needs root, or a sudo that asks for no password");
    };
    Ok(program
        .words("DEBIAN_FRONTEND=noninteractive apt-get")
        .arg(verb))
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n")
}
