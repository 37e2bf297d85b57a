package io.headroom.oom;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Host memory: PyTorch's CPU allocator, NumPy and Python, DataLoader workers and /dev/shm, the kernel's killer. */
final class HostForms {
    private static final Pattern BASH_KILLED =
            Pattern.compile("(?:^|.*\\s)(?:\\[\\d+]\\s*[+-]?\\s*)?(?:line \\d+:\\s*)?\\d+\\s+$|^[\\s>#$*]*$");
    private static final Pattern RAISED = Pattern.compile("(?:^|.*[\\s:(\\[])$");
    private static final Pattern CAUGHT = Pattern.compile(".*\\b(except|raise|catch|if|as|import|not)\\b[\\s(]*$");

    private HostForms() {}

    static final List<Form> ALL = all();

    private static List<Form> all() {
        List<Form> forms = new ArrayList<>(List.of(
                Form.headline("defaultcpuallocator", region -> {
                    region.after("triedtoallocate", Field.REQUESTED);
                    return region.as(Backend.CPU, Wording.CPU_ALLOCATOR);
                }),
                Form.of("posix_memalign(&data", region -> region.until(")==0").as(Backend.CPU, Wording.CPU_ALLOCATOR)),
                Form.of("alloc_cpu()seemstohavebeencalledwithnegative", region -> {
                    region.impossible = true;
                    return region.as(Backend.CPU, Wording.OVERFLOW);
                }),
                Form.of("torch:notenoughmemory", region -> {
                    region.after("triedtoallocate", Field.REQUESTED);
                    return region.as(Backend.CPU, Wording.CPU_OLD);
                }),
                Form.of("unabletommap", region -> {
                    region.after("unabletommap", Field.REQUESTED)
                            .after("triedtommap", Field.REQUESTED)
                            .until("cannotallocatememory");
                    return region.as(Backend.CPU, Wording.MMAP);
                }),
                Form.of("unabletoallocate", HostForms::numpy),
                Form.of("memoryerror", HostForms::python),
                Form.of("errno12]cannotallocatememory", region -> region.as(Backend.CPU, Wording.ERRNO_12)),
                Form.of("std::bad_alloc", region -> region.as(Backend.CPU, Wording.BAD_ALLOC)),
                Form.of("dataloaderworker", HostForms::worker),
                Form.of("insufficientsharedmemory", worker(Wording.WORKER_BUS_ERROR)),
                Form.of("unabletoallocatesharedmemory", worker(Wording.SHM)),
                Form.of("unabletoopensharedmemoryobject", worker(Wording.SHM)),
                Form.of("unabletowritetofile</torch_", worker(Wording.SHM)),
                Form.of("unabletoresizefile</torch_", worker(Wording.SHM)),
                Form.of("pinmemorythreadexitedunexpectedly", worker(Wording.WORKER_KILLED)),
                Form.of("memorycgroupoutofmemory", region -> region.until("outofmemory:kill")
                        .as(Backend.OOM_KILLER, Wording.CGROUP_KILL)),
                Form.of("outofmemory:kill", kill(Wording.KERNEL_KILL)),
                Form.of("invokedoom-killer", kill(Wording.KERNEL_KILL)),
                Form.of(
                        "oom-kill:constraint=",
                        region -> region.continuesWith("constraint_memcg")
                                ? region.as(Backend.OOM_KILLER, Wording.CGROUP_KILL)
                                : region.as(Backend.OOM_KILLER, Wording.KERNEL_KILL)),
                Form.of(
                        "oomkilled",
                        region -> region.continuesWith(":false") || region.continuesWith("=false")
                                ? null
                                : region.as(Backend.OOM_KILLER, Wording.CGROUP_KILL)),
                Form.of("killed", HostForms::killed),
                Form.of("kernelappearstohavedied", kill(Wording.KERNEL_DIED)),
                Form.of("kerneldiedunexpectedly", kill(Wording.KERNEL_DIED)),
                Form.of("deadkernelerror", kill(Wording.KERNEL_DIED))));
        for (String exit : List.of(
                "code137",
                "code:137",
                "code=137",
                "code(137",
                "status137",
                "status:137",
                "status=137",
                "exited(137",
                "value137",
                "returned137")) {
            forms.add(Form.of(exit, HostForms::exit137));
        }
        for (String signal :
                List.of("exitcode:-9", "exitcode-9", "exitcode=-9", "signal9(sigkill", "signals.sigkill")) {
            forms.add(Form.of(signal, kill(Wording.EXIT_137)));
        }
        return forms;
    }

    private static Function<Region, Finding> worker(Wording wording) {
        return region -> region.as(Backend.DATALOADER_SHM, wording);
    }

    private static Function<Region, Finding> kill(Wording wording) {
        return region -> region.as(Backend.OOM_KILLER, wording);
    }

    private static Finding numpy(Region region) {
        region.after("unabletoallocate", Field.REQUESTED);
        if (region.sizes.isEmpty()) {
            return null;
        }
        return region.until("foranarraywithshape").as(Backend.CPU, Wording.NUMPY);
    }

    private static Finding python(Region region) {
        String before = region.source.lineBefore(region.start);
        boolean named = isClassName(region)
                && RAISED.matcher(before).matches()
                && !CAUGHT.matcher(before).matches();
        return named && !region.continuesWith(":unabletoallocate") ? region.as(Backend.CPU, Wording.PYTHON) : null;
    }

    /** Prose has "out of memory errors" too. */
    private static boolean isClassName(Region region) {
        String original = region.source.original;
        int after = region.source.at(region.bodyStart - 1) + 1;
        boolean capitals = original.charAt(region.source.at(region.start)) == 'M'
                && original.charAt(region.source.at(region.start + "memory".length())) == 'E';
        return capitals && (after >= original.length() || !Character.isLetterOrDigit(original.charAt(after)));
    }

    private static Finding worker(Region region) {
        int reach = Math.min(region.text.length(), region.bodyStart + 120);
        String near = region.text.substring(region.bodyStart, reach);
        if (near.contains("killedbysignal:buserror")) {
            return region.until("sharedmemorylimit").as(Backend.DATALOADER_SHM, Wording.WORKER_BUS_ERROR);
        }
        if (near.contains("killedbysignal:killed") || near.contains("exitedunexpectedly")) {
            return region.until("killedbysignal:killed").as(Backend.DATALOADER_SHM, Wording.WORKER_KILLED);
        }
        return near.contains("killedbysignal")
                ? region.notThis("A DataLoader worker died of another signal than the ones that memory causes.")
                : null;
    }

    private static Finding killed(Region region) {
        String line = region.source.lineBefore(region.start);
        if (!BASH_KILLED.matcher(line).matches() || !region.source.startsWord(region.start)) {
            return null;
        }
        boolean bare = line.isBlank();
        String original = region.source.original;
        int after = region.source.at(region.bodyStart - 1) + 1;
        boolean endsHere = after >= original.length() || Character.isWhitespace(original.charAt(after));
        boolean alone = endsHere
                && original.substring(after, Math.min(original.length(), after + 1))
                        .matches("[\\r\\n]?");
        return endsHere && (!bare || alone) ? region.as(Backend.OOM_KILLER, Wording.EXIT_137) : null;
    }

    private static Finding exit137(Region region) {
        int next = region.bodyStart;
        boolean longer = next < region.text.length()
                && Character.isDigit(region.text.charAt(next))
                && region.source.at(next) == region.source.at(next - 1) + 1;
        return longer ? null : region.as(Backend.OOM_KILLER, Wording.EXIT_137);
    }
}
