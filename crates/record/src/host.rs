//! Facts of a machine that a person needs to judge a result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod gather;
mod placement;
mod quota;

pub use gather::{allowed_cpus, cpu_list, gather, gather_below, memory_bytes, peak_rss_bytes};
pub use placement::placement;
pub use quota::{cpu_quota, throttled_s};

/// A machine and its settings. Whatever could not be found out is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostFacts {
    /// Hash of host name, CPU model, number of CPUs, memory in whole GiB and, where there is one,
    /// the quota of CPU time: the same machine has the same id.
    pub id: String,
    /// Name of the host; null in committed reference records.
    pub hostname: Option<String>,
    /// CPU model.
    pub cpu: Option<String>,
    /// CPUs of the machine.
    pub cpus: u32,
    /// CPUs that this process may use.
    pub allowed_cpus: Vec<u32>,
    /// CPU time per time that a control group grants, such as 1.5 in a container with a quota; null
    /// where nothing limits it, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<f64>,
    /// Sockets.
    pub sockets: Option<u32>,
    /// Threads per core: 2 with simultaneous multithreading.
    pub threads_per_core: Option<u32>,
    /// NUMA nodes.
    pub numa_nodes: Option<u32>,
    /// Caches, smallest level first.
    pub caches: Vec<CacheFacts>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// CPU frequency governor.
    pub governor: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Vector extensions that kernels may use, as the CPU reports them.
    pub vector: Vec<String>,
    /// Hypervisor, when it is a virtual machine.
    pub hypervisor: Option<String>,
    /// Transparent huge pages setting.
    pub huge_pages: Option<String>,
    /// Variables of the environment that may change results (`OMP_`, `OMPI_`, `MPICH_`, `SLURM_`,
    /// `AMDAHL_` …).
    pub environment: Vec<(String, String)>,
}

/// One cache as CPU 0 sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheFacts {
    /// 1, 2, 3.
    pub level: u32,
    /// "data", "instruction" or "unified".
    pub kind: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Line in bytes.
    pub line_bytes: Option<u32>,
    /// Ways.
    pub ways: Option<u32>,
    /// CPUs that share it.
    pub shared_by: Option<u32>,
}
