//! The built-in flavors and images, and the profiles of the old generation.

use crate::fields::with_fields;
use modelarts_client::devenviron::types::{
    AscendInfo, BillingInfo, GpuInfo, Image, NotebookFlavor,
};
use serde::{Deserialize, Serialize};

/// A flavor, and where it is offered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flavor {
    pub(crate) offer: NotebookFlavor,
    /// `CPU`, `GPU` or `ASCEND`; the category of the offer is one of the first two.
    pub(crate) hardware: String,
    /// Whether dedicated clusters have it too.
    pub(crate) dedicated: bool,
}

impl Flavor {
    /// Returns a flavor from fixtures.
    pub(crate) fn from_offer(offer: NotebookFlavor) -> Self {
        let hardware = offer
            .category
            .as_ref()
            .map_or("CPU", |category| category.as_str())
            .to_owned();
        Self {
            offer,
            hardware,
            dedicated: true,
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.offer.id.as_deref().unwrap_or_default()
    }

    pub(crate) fn is_free(&self) -> bool {
        self.offer.free == Some(true)
    }

    pub(crate) fn stores(&self, category: &str) -> bool {
        self.offer.storages.as_ref().is_none_or(|storages| {
            let sfs = category.eq_ignore_ascii_case("SFS");
            storages
                .iter()
                .any(|known| *known == category || (sfs && *known == "EFS"))
        })
    }
}

struct Row {
    id: &'static str,
    description: &'static str,
    vcpus: i32,
    memory_gib: i64,
    /// Number of cards, memory of each, and model; half of a shared card counts 0.5.
    gpu: Option<(f64, &'static str, &'static str)>,
    arm: bool,
    hardware: &'static str,
    free: bool,
}

/// The first flavor of each category can run the first image of the list; a free flavor is never the first.
const FLAVORS: &[Row] = &[
    Row {
        id: "modelarts.vm.cpu.2u",
        description: "Small machine for exploring data",
        vcpus: 2,
        memory_gib: 8,
        gpu: None,
        arm: false,
        hardware: "CPU",
        free: false,
    },
    Row {
        id: "modelarts.vm.cpu.8u",
        description: "Larger machine for work that needs computing power",
        vcpus: 8,
        memory_gib: 32,
        gpu: None,
        arm: false,
        hardware: "CPU",
        free: false,
    },
    Row {
        id: "modelarts.vm.cpu.free",
        description: "Free of charge, for a first look; one per user",
        vcpus: 2,
        memory_gib: 8,
        gpu: None,
        arm: false,
        hardware: "CPU",
        free: true,
    },
    Row {
        id: "modelarts.vm.gpu.p100",
        description: "One Pascal GPU",
        vcpus: 8,
        memory_gib: 64,
        gpu: Some((1.0, "16GB", "P100")),
        arm: false,
        hardware: "GPU",
        free: false,
    },
    Row {
        id: "modelarts.vm.gpu.v100",
        description: "One Volta GPU",
        vcpus: 8,
        memory_gib: 64,
        gpu: Some((1.0, "32GB", "V100")),
        arm: false,
        hardware: "GPU",
        free: false,
    },
    Row {
        id: "modelarts.vm.gpu.t4.half",
        description: "Half of a Turing GPU that is shared",
        vcpus: 4,
        memory_gib: 16,
        gpu: Some((0.5, "8GB", "T4")),
        arm: false,
        hardware: "GPU",
        free: false,
    },
    Row {
        id: "modelarts.bm.gpu.v100NV32",
        description: "One Volta GPU with NVLink on bare metal",
        vcpus: 8,
        memory_gib: 64,
        gpu: Some((1.0, "32GB", "v100NV32")),
        arm: false,
        hardware: "GPU",
        free: false,
    },
    Row {
        id: "modelarts.kat1.xlarge",
        description: "One Ascend processor",
        vcpus: 24,
        memory_gib: 96,
        gpu: None,
        arm: true,
        hardware: "ASCEND",
        free: false,
    },
    Row {
        id: "modelarts.bm.snt9.xlarge.2",
        description: "Arm machine with two Ascend processors",
        vcpus: 48,
        memory_gib: 192,
        gpu: None,
        arm: true,
        hardware: "ASCEND",
        free: false,
    },
    Row {
        id: "modelarts.bm.snt9.xlarge.8",
        description: "Arm machine with eight Ascend processors",
        vcpus: 192,
        memory_gib: 768,
        gpu: None,
        arm: true,
        hardware: "ASCEND",
        free: false,
    },
];

pub(crate) fn flavors() -> Vec<Flavor> {
    FLAVORS.iter().map(flavor).collect()
}

fn flavor(row: &Row) -> Flavor {
    let category = if row.gpu.is_some() { "GPU" } else { "CPU" };
    let devices = row.gpu.map_or(String::new(), |(count, _, kind)| {
        format!("{count} x {kind}, ")
    });
    let storages = ["EVS", "EFS", "OBS", "OBSFS"];
    Flavor {
        offer: with_fields!(NotebookFlavor {
            id: Some(row.id.into()),
            name: Some(format!(
                "{category}: {devices}{} vCPUs {} GB",
                row.vcpus, row.memory_gib
            )),
            description: Some(row.description.into()),
            arch: Some(if row.arm { "aarch64" } else { "x86_64" }.into()),
            category: Some(category.into()),
            feature: Some(if row.free { "DEFAULT" } else { "NOTEBOOK" }.into()),
            free: Some(row.free),
            billing: (!row.free).then(|| with_fields!(BillingInfo {
                code: Some(row.id.into()),
                unit_num: Some(1),
            })),
            gpu: row.gpu.map(|(count, memory, kind)| with_fields!(GpuInfo {
                gpu: Some(count),
                gpu_memory: Some(memory.into()),
                type_: Some(kind.into()),
            })),
            ascend: ascend(row),
            memory: Some(row.memory_gib * 1024 * 1024),
            sold_out: Some(false),
            storages: Some(storages.map(Into::into).into()),
            vcpus: Some(row.vcpus)
        }),
        hardware: row.hardware.into(),
        dedicated: !row.free,
    }
}

/// The processors of an Ascend machine; the end of its name is their number.
fn ascend(row: &Row) -> Option<AscendInfo> {
    let count = row.id.rsplit('.').next().and_then(|end| end.parse().ok());
    let count: i32 = count.unwrap_or(1);
    (row.hardware == "ASCEND").then(|| {
        with_fields!(AscendInfo {
            npu: Some(count),
            npu_memory: Some("32GB".into()),
            type_: Some("SNT9".into()),
            chip: Some(count),
        })
    })
}

struct Preset {
    id: &'static str,
    name: &'static str,
    tag: &'static str,
    description: &'static str,
    arm: bool,
    services: &'static [&'static str],
    resources: &'static [&'static str],
    service_type: &'static str,
    created: i64,
}

/// The latest one, which is the first in lists, runs on every x86 flavor.
const IMAGES: &[Preset] = &[
    Preset {
        id: "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11",
        name: "pytorch-nlp",
        tag: "2.1-cuda-12.1",
        description: "PyTorch 2.1 with libraries for text",
        arm: false,
        services: &["NOTEBOOK", "SSH"],
        resources: &["GPU", "CPU"],
        service_type: "COMMON",
        created: 1_717_401_600_000,
    },
    Preset {
        id: "e1a07296-22a8-4f05-8bc8-e936c8e54090",
        name: "notebook2.0-mul-kernel-cpu-cp36",
        tag: "3.3.2-release_v1",
        description: "Several kernels for Python 3.6",
        arm: false,
        services: &["NOTEBOOK", "SSH"],
        resources: &["CPU"],
        service_type: "COMMON",
        created: 1_638_234_504_492,
    },
    Preset {
        id: "278e88d1-5b71-4766-8502-b3ba72e824d9",
        name: "pytorch1.8-cuda10.2-cudnn7-ubuntu18.04",
        tag: "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64",
        description: "PyTorch 1.8 for CPU and GPU",
        arm: false,
        services: &["NOTEBOOK", "SSH"],
        resources: &["GPU", "CPU"],
        service_type: "COMMON",
        created: 1_638_234_504_493,
    },
    Preset {
        id: "e1a07296-22a8-4f05-8bc8-e936c8e54103",
        name: "modelbox1.3.0-libtorch1.9.1-cuda10.2-cudnn8-euler2.9.6",
        tag: "1.3.0",
        description: "ModelBox with LibTorch, reached over SSH only",
        arm: false,
        services: &["AI_FLOW", "SSH"],
        resources: &["GPU"],
        service_type: "TRAIN",
        created: 1_638_234_504_494,
    },
    Preset {
        id: "6d0f4b7e-52a1-4c39-8b7d-0e9c1a2f3b44",
        name: "mindspore1.7.0-cann5.1.0-py3.7-euler2.8.3",
        tag: "1.7.0-aarch64",
        description: "MindSpore 1.7 for Arm and Ascend",
        arm: true,
        services: &["NOTEBOOK", "SSH"],
        resources: &["CPU"],
        service_type: "COMMON",
        created: 1_638_234_504_495,
    },
];

/// Returns the built-in images.
pub(crate) fn images() -> Vec<Image> {
    IMAGES.iter().map(image).collect()
}

fn image(preset: &Preset) -> Image {
    with_fields!(Image {
        id: Some(preset.id.into()),
        name: Some(preset.name.into()),
        tag: Some(preset.tag.into()),
        description: Some(preset.description.into()),
        arch: Some(if preset.arm { "aarch64" } else { "x86_64" }.into()),
        dev_services: Some(preset.services.iter().map(|text| (*text).into()).collect()),
        resource_categories: Some(preset.resources.iter().map(|text| (*text).into()).collect()),
        service_type: Some(preset.service_type.into()),
        swr_path: Some(format!(
            "swr.example.com/atelier/{}:{}",
            preset.name, preset.tag
        )),
        type_: Some("BUILD_IN".into()),
        visibility: Some("PUBLIC".into()),
        create_at: Some(preset.created),
        update_at: Some(preset.created),
        workspace_id: Some("0".into())
    })
}

/// A configuration of the old generation.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) hardware: &'static str,
    pub(crate) category: &'static str,
    /// The flavor that it is offered with.
    pub(crate) flavor: &'static str,
    pub(crate) image_name: &'static str,
    pub(crate) image_tag: &'static str,
    pub(crate) ml_studio: bool,
}

pub(crate) const PROFILES: &[Profile] = &[
    Profile {
        id: "Python3-cpu",
        name: "Python3",
        description: "Python 3 on CPU",
        hardware: "CPU",
        category: "Python3",
        flavor: "modelarts.vm.cpu.2u",
        image_name: "mul-kernel-cpu-cp36",
        image_tag: "2.0.5-B003",
        ml_studio: false,
    },
    Profile {
        id: "Python3-gpu",
        name: "Python3",
        description: "multi engine, gpu, python 3.6 for notebook",
        hardware: "GPU",
        category: "Multi-Engine (Recommend)",
        flavor: "modelarts.vm.gpu.p100",
        image_name: "mul-kernel-gpu-cuda-cp36",
        image_tag: "2.0.5-B003",
        ml_studio: false,
    },
    Profile {
        id: "Multi-Engine 1.0 (python3)-cpu",
        name: "Multi-Engine 1.0 (python3)-cpu",
        description: "Several engines for Python 3 on CPU",
        hardware: "CPU",
        category: "Multi-Engine (Recommend)",
        flavor: "modelarts.vm.cpu.2u",
        image_name: "mul-kernel-cpu-cp36",
        image_tag: "2.0.5-B003",
        ml_studio: false,
    },
    Profile {
        id: "Multi-Engine 1.0 (python3)-gpu",
        name: "Multi-Engine 1.0 (python3)-gpu",
        description: "multi engine, gpu, python 3.6 for notebook",
        hardware: "GPU",
        category: "Multi-Engine (Recommend)",
        flavor: "modelarts.vm.gpu.p100",
        image_name: "mul-kernel-gpu-cuda-cp36",
        image_tag: "2.0.5-B003",
        ml_studio: false,
    },
    // Used by the OpenStack client, with a CPU flavor.
    Profile {
        id: "Multi-Engine 2.0 (python3)",
        name: "Multi-Engine 2.0 (python3)",
        description: "Newer engines for Python 3 on CPU",
        hardware: "CPU",
        category: "Multi-Engine 2.0 (Python3)",
        flavor: "modelarts.vm.cpu.2u",
        image_name: "mul-kernel2.0-cp36",
        image_tag: "3.2.0-latest-p2",
        ml_studio: false,
    },
    Profile {
        id: "Power-Engine 1.0(python3)",
        name: "Power-Engine 1.0(python3)",
        description: "Engines for Python 3 on Ascend",
        hardware: "ASCEND",
        category: "Power-Engine",
        flavor: "modelarts.kat1.xlarge",
        image_name: "mul-kernel-arm-c75-py3",
        image_tag: "2.0.5-B003",
        ml_studio: false,
    },
    Profile {
        id: "ML-Studio-cpu",
        name: "ML Studio",
        description: "Building workflows in the browser",
        hardware: "CPU",
        category: "ML Studio",
        flavor: "modelarts.vm.cpu.2u",
        image_name: "ml-studio",
        image_tag: "1.0.0",
        ml_studio: true,
    },
];

pub(crate) fn profile(id: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_kib() {
        let flavors = flavors();
        let small = flavors
            .iter()
            .find(|flavor| flavor.id() == "modelarts.vm.cpu.2u");
        assert_eq!(small.unwrap().offer.memory, Some(8_388_608));
    }

    #[test]
    fn sfs_is_the_same_storage_as_efs() {
        let flavor = &flavors()[0];
        assert!(flavor.stores("SFS") && flavor.stores("evs"));
        assert!(!flavor.stores("TAPE"));
    }
}
