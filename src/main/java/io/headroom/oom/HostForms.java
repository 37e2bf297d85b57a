package io.headroom.oom;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Host memory: PyTorch's CPU allocator, NumPy and Python, DataLoader workers and /dev/shm, the kernel's killer. */
final class HostForms {
    /** What a shell puts before "Killed": "run.sh: line 3: 4711 ", "[1]+  4711 ", "zsh: ", a process id, or nothing. */
    private static final Pattern SHELL = Pattern.compile(
            "(?:.*\\s)?(?:\\S*: )?line \\d+:\\s*\\d+\\s+|(?:.*\\s)?\\[\\d+]\\s*[+-]?\\s*(?:\\d+\\s+)?|(?:.*\\s)?(?:-?(?:z|ba|da|fi)?sh): (?:\\d+\\s+)?"
                    + "|\\s*\\d{3,8}\\s+|[\\s>#$*]*");

    private static final Pattern MAKE = Pattern.compile("(?:.*\\s)?make(?:\\[\\d+])?: \\*\\*\\* \\[[^]]*]\\s*");

    private static final Pattern EXIT_WORD = Pattern.compile(
            "(?:^|[^A-Za-z])(?:(?:exit|return|termination|error|status)[_ -]?)?$", Pattern.CASE_INSENSITIVE);
    private static final Pattern ENDED = Pattern.compile(
            "exit|terminat|returned a|return ?code|died|killed|finish|fail|crash|stopped|container|command|process|signal|non-?zero|elifecycle|make|npm err",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern OTHER_STATUS =
            Pattern.compile("\\bhttp(?!s?:)|\\b(?:opcode|unicode|postal)\\b|\\bline\\s*$", Pattern.CASE_INSENSITIVE);
    private static final Pattern LIMIT_OF = Pattern.compile("\\s*\\d[\\d.,]*\\s*[A-Za-z]+\\s(?:was )?exceeded\\b.*");
    /** A metric's value behind its labels: it counts, and nothing was killed. */
    private static final Pattern ZERO = Pattern.compile("\"?[^{}]{0,200}}\\s*0(?:\\.0*)?\\s*(?:\\d+\\s*)?");

    private static final Pattern SRUN =
            Pattern.compile("\\s*[\\w.-]{1,200}: tasks? [\\d,\\[\\]-]{1,200}: Out Of Memory\\s*");

    private static final Pattern SENT = Pattern.compile("\\b(?:sends?|sending|to send)\\s*$");
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
                    region.after("triedtoallocate", Field.REQUESTED).after("triedtoreallocate", Field.REQUESTED);
                    // it cuts its size to whole units: "2GB" may be just below 3
                    region.sizes.computeIfPresent(
                            Field.REQUESTED, (field, size) -> new Size(size.bytes(), 2 * size.error()));
                    return region.as(Backend.CPU, Wording.CPU_OLD);
                }),
                Form.of("unabletommap", region -> {
                    region.after("unabletommap", Field.REQUESTED)
                            .after("triedtommap", Field.REQUESTED)
                            .until("cannotallocatememory");
                    return region.contains("file</torch_") || region.contains("<filenamenotspecified")
                            ? region.as(Backend.DATALOADER_SHM, Wording.SHM_MAP)
                            : region.as(Backend.CPU, Wording.MMAP);
                }),
                Form.of("modelrequiresmoresystemmemory(", region -> {
                    region.after("systemmemory(", Field.REQUESTED).after("thanisavailable(", Field.FREE);
                    return region.sizes.isEmpty() ? null : region.as(Backend.CPU, Wording.NATIVE);
                }),
                Form.of("unabletoallocate", HostForms::numpy),
                Form.of("memoryerror", HostForms::python),
                Form.of("errno12]", Enomem::numbered),
                Form.of("cannotallocatememory", Enomem::perror),
                Form.of(
                        "failed:12(cannotallocatememory)",
                        region -> Prose.isMention(region) ? null : Enomem.unlessLocked(region)),
                Form.of(
                        "std::bad_alloc",
                        region -> Prose.isCode(region) || Prose.isMention(region) || isOfDevice(region)
                                ? null
                                : region.as(Backend.CPU, Wording.BAD_ALLOC)),
                Form.of("mallocfailed(triedtoallocate", region -> {
                    region.after("triedtoallocate", Field.REQUESTED);
                    return region.as(Backend.CPU, Wording.NATIVE);
                }),
                Form.of("mach_vm_map(size=", region -> {
                    region.count("mach_vm_map(size=", "", Field.REQUESTED);
                    return region.trail(60).contains("failed(errorcode=3)")
                            ? region.until("failed(errorcode=3)").as(Backend.CPU, Wording.NATIVE)
                            : null;
                }),
                Form.of("memoryallocationof", region -> {
                    region.count("memoryallocationof", "bytesfailed", Field.REQUESTED);
                    return region.sizes.isEmpty() ? null : region.as(Backend.CPU, Wording.NATIVE);
                }),
                Form.of("cannotallocatevectorofsize", region -> {
                    region.after("cannotallocatevectorofsize", Field.REQUESTED);
                    return region.as(Backend.CPU, Wording.NATIVE);
                }),
                Form.of("alloc:cannotallocate", region -> {
                    region.after("alloc:cannotallocate", Field.REQUESTED);
                    return region.sizes.isEmpty() ? null : region.as(Backend.CPU, Wording.NATIVE);
                }),
                Form.of("winerror1455", region -> region.as(Backend.CPU, Wording.PAGE_FILE)),
                Form.of("winerror8]", Enomem::numbered),
                Form.of("winerror14]", Enomem::numbered),
                Form.of("oserror1455", region -> region.as(Backend.CPU, Wording.PAGE_FILE)),
                Form.of("errno=1455", region -> region.as(Backend.CPU, Wording.PAGE_FILE)),
                Form.of("pagingfileistoosmall", region -> region.until("error1455", 60)
                        .as(Backend.CPU, Wording.PAGE_FILE)),
                Form.of("mxneterror:cantalloc", region -> region.as(Backend.CPU, Wording.MXNET)),
                Form.of("dataloaderworker", HostForms::worker),
                Form.of("insufficientsharedmemory", worker(Wording.WORKER_BUS_ERROR)),
                Form.of("unabletoallocatesharedmemory", worker(Wording.SHM)),
                Form.of("unabletoopensharedmemoryobject", worker(Wording.SHM)),
                Form.of("unabletowritetofile</torch_", worker(Wording.SHM)),
                Form.of("unabletoresizefile</torch_", worker(Wording.SHM)),
                Form.of("failedtoextend/dev/shm/nccl-", worker(Wording.SHM)),
                Form.of("calltoposix_fallocatefailed:nospaceleftondevice", worker(Wording.SHM)),
                Form.of("exitcodesoftheworkersare{sigkill(-9)", kill(Wording.EXIT_137)),
                Form.of("commandterminatedbysignal9", kill(Wording.EXIT_137)),
                Form.of("pbs:jobkilled:mem", kill(Wording.JOB_LIMIT)),
                Form.of("pbs:jobkilled:vmem", kill(Wording.JOB_LIMIT)),
                Form.of("state:out_of_memory(exitcode", kill(Wording.JOB_LIMIT)),
                Form.of("jobstate=out_of_memory", kill(Wording.JOB_LIMIT)),
                Form.of("out_of_me", SlurmTable::read),
                Form.of("srun:error:", HostForms::srun),
                Form.of(
                        "fork:",
                        region -> Enomem.stands(region)
                                        && !region.continuesWith("cannotallocatememory") // read by itself
                                        && !Prose.isMention(region)
                                ? region.as(Backend.CPU, Wording.ERRNO_12)
                                : null),
                Form.of("libgomp:outofmemoryallocating", region -> {
                    region.count("outofmemoryallocating", "bytes", Field.REQUESTED);
                    return region.sizes.isEmpty() ? null : region.as(Backend.CPU, Wording.NATIVE);
                }),
                Form.of(
                        "fatalerror:runtime:outofmemory",
                        region -> Prose.isMention(region) || Prose.isLiteral(region)
                                ? null
                                : region.as(Backend.CPU, Wording.NATIVE)),
                Form.of("pinmemorythreadexitedunexpectedly", worker(Wording.WORKER_KILLED)),
                Form.of("memorycgroupoutofmemory", HostForms::kernelKill),
                Form.of("outofmemory:kill", HostForms::kernelKill),
                Form.of("invokedoom-killer", HostForms::kernelKill),
                Form.of("killedprocess", region -> region.trail(80).contains("total-vm:") ? kernelKill(region) : null),
                Form.of("unithasbeenkilledbytheoomkiller", kill(Wording.KERNEL_KILL)),
                Form.of("oomkillerterminatedthisprocess", kill(Wording.KERNEL_KILL)),
                Form.of("systemoomencountered", kill(Wording.KERNEL_KILL)),
                Form.of("failedwithresultoom-kill", kill(Wording.KERNEL_KILL)),
                Form.of("errorr14(memoryquotaexceeded", HostForms::heroku),
                Form.of("errorr15(memoryquotavastlyexceeded", HostForms::heroku),
                Form.of("oom-kill:constraint=", HostForms::kernelKill),
                Form.of(
                        "oomkilled",
                        region -> region.continuesWith(":false")
                                        || region.continuesWith("=false")
                                        || ZERO.matcher(region.restOfLine()).matches()
                                        || Prose.isMention(region)
                                ? null
                                : region.as(Backend.OOM_KILLER, Wording.CGROUP_KILL)),
                Form.of("killedbyyarnforexceeding", kill(Wording.JOB_LIMIT)),
                Form.of("runningbeyondphysicalmemorylimits", kill(Wording.JOB_LIMIT)),
                Form.of("runningbeyondvirtualmemorylimits", kill(Wording.JOB_LIMIT)),
                Form.of("exceededjobmemorylimit", kill(Wording.JOB_LIMIT)),
                Form.of("exceededstepmemorylimit", kill(Wording.JOB_LIMIT)),
                Form.of("exceededmemorylimit(", kill(Wording.JOB_LIMIT)),
                Form.of("term_memlimit", kill(Wording.JOB_LIMIT)),
                Form.of("workersdiedduetomemorypressure", kill(Wording.OTHER_KILLER)),
                Form.of("killedduetomemorypressure(oom)", kill(Wording.OTHER_KILLER)),
                Form.of("killedduetothenoderunninglowonmemory", kill(Wording.OTHER_KILLER)),
                Form.of("rayoutofmemoryerror:", kill(Wording.OTHER_KILLER)),
                Form.of("systemd-oomdkilled", kill(Wording.OTHER_KILLER)),
                Form.of("duetomemorypressurefor", kill(Wording.OTHER_KILLER)),
                Form.of("earlyoom[", HostForms::earlyoom),
                Form.of("killedsignalterminatedprogram", kill(Wording.EXIT_137)),
                Form.of("memorylimitof", HostForms::cloudRun),
                Form.of("thenodewaslowonresource:memory", kill(Wording.OTHER_KILLER)),
                Form.of("runtimeexitedwitherror:signal:killed", kill(Wording.JOB_LIMIT)),
                Form.of("negsignal.sigkill", kill(Wording.EXIT_137)),
                Form.of("oom-killevent", HostForms::slurm),
                Form.of("oom_killevent", HostForms::slurm),
                Form.of("killed", HostForms::killed),
                Form.of(
                        "kernelappearstohavedied",
                        region -> Prose.isMention(region) ? null : region.as(Backend.OOM_KILLER, Wording.KERNEL_DIED)),
                Form.of("appearstohavedied", HostForms::restarting),
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
                "errno137",
                "error137",
                "value137")) {
            forms.add(Form.of(exit, HostForms::exit137));
        }
        for (String signal : List.of(
                "exitcode:-9",
                "exitcode-9",
                "exitcode=-9",
                "returncode=-9",
                "returncode:-9",
                "returncode-9",
                "signal9(sigkill",
                "signals.sigkill")) {
            forms.add(Form.of(
                    signal,
                    region -> Prose.isMention(region)
                                    || Character.isDigit(region.next())
                                    || SENT.matcher(region.source.lineBefore(region.start))
                                            .find()
                            ? null
                            : region.as(Backend.OOM_KILLER, Wording.EXIT_137)));
        }
        return forms;
    }

    private static Function<Region, Finding> worker(Wording wording) {
        return region -> region.as(Backend.DATALOADER_SHM, wording);
    }

    private static Function<Region, Finding> kill(Wording wording) {
        return region -> region.as(Backend.OOM_KILLER, wording);
    }

    /** JupyterLab's dialog: {@code The kernel for train.ipynb appears to have died. It will restart automatically.} */
    private static Finding restarting(Region region) {
        boolean dialog =
                region.source.lineBefore(region.start).toLowerCase(Locale.ROOT).contains("kernel for ")
                        && region.continuesWith(".itwillrestartautomatically");
        return dialog && !Prose.isMention(region) ? region.as(Backend.OOM_KILLER, Wording.KERNEL_DIED) : null;
    }

    private static Finding heroku(Region region) {
        return Prose.isMention(region) ? null : region.as(Backend.OOM_KILLER, Wording.JOB_LIMIT);
    }

    private static Finding numpy(Region region) {
        if (region.continuesWith("arraywithshape(")) { // NumPy 1.17 gives no size
            return region.until("datatype", 80).as(Backend.CPU, Wording.NUMPY);
        }
        region.after("unabletoallocate", Field.REQUESTED);
        if (region.sizes.isEmpty()) {
            return null;
        }
        String rest = region.trail(60);
        return rest.startsWith("foranarray") || rest.startsWith("forarray")
                ? region.until("foranarraywithshape").as(Backend.CPU, Wording.NUMPY)
                : null;
    }

    private static Finding python(Region region) {
        String before = region.source.lineBefore(region.start);
        boolean device = isOfDevice(region);
        boolean named = !device
                && isClassName(region)
                && RAISED.matcher(before).matches()
                && !region.continuesWith(":raisedwhen")
                && !CAUGHT.matcher(before).matches();
        return named && !region.continuesWith(":unabletoallocate") ? region.as(Backend.CPU, Wording.PYTHON) : null;
    }

    /** RAPIDS' allocator throws C++'s and Python's exceptions for the device's memory. */
    private static boolean isOfDevice(Region region) {
        String said = region.trail(80);
        return said.contains("cudaerror") || said.contains("rmmfailureat");
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
        String original = region.source.original;
        int after = region.source.at(region.bodyStart - 1) + 1;
        boolean mac = original.startsWith(": 9", after); // macOS's shells tell the signal
        after += mac ? ": 9".length() : 0;
        boolean shell = SHELL.matcher(line).matches() || MAKE.matcher(line).matches();
        if (!shell || !region.source.startsWord(region.start)) {
            return null;
        }
        boolean bare = line.isBlank();
        boolean endsHere = after >= original.length() || Character.isWhitespace(original.charAt(after));
        boolean alone = endsHere
                && original.substring(after, Math.min(original.length(), after + 1))
                        .matches("[\\r\\n]?");
        return endsHere && (!bare || alone) ? region.as(Backend.OOM_KILLER, Wording.EXIT_137) : null;
    }

    /** A number 137 with the words of an exit around it: 137 rows, 137.25 or a status of HTTP are none. */
    private static Finding exit137(Region region) {
        String rest = region.restOfLine();
        boolean longer = !rest.isEmpty()
                && (Character.isLetterOrDigit(rest.charAt(0))
                        || (rest.length() > 1 && rest.charAt(0) == '.' && Character.isDigit(rest.charAt(1))));
        String before = region.source.lineBefore(region.start);
        String line = before + region.text.substring(region.start, region.bodyStart);
        boolean exit = EXIT_WORD.matcher(before).find()
                && ENDED.matcher(line).find()
                && !OTHER_STATUS.matcher(before).find()
                && !isTableKey(region, before)
                && !Prose.isMention(region);
        if (longer || !exit || rest.startsWith(" from storage engine")) {
            return null;
        }
        return region.isNear("oomkilled:false", 300, 300)
                ? region.notThis("A process was killed (signal 9), and its container says that it was not for memory.")
                : region.as(Backend.OOM_KILLER, Wording.EXIT_137);
    }

    /** A list of codes and what they mean: {@code | exit code 137 | container killed |}. */
    private static boolean isTableKey(Region region, String before) {
        return before.matches("\\s*\\|[^|]*") && region.restOfLine().matches("\\s*\\|[^|]*[a-z].*");
    }

    private static Finding slurm(Region region) {
        return region.lead(40).contains("detected") ? region.as(Backend.OOM_KILLER, Wording.CGROUP_KILL) : null;
    }

    /** {@code srun: error: node12: task 0: Out Of Memory}. */
    private static Finding srun(Region region) {
        return SRUN.matcher(region.restOfLine()).matches() ? region.as(Backend.OOM_KILLER, Wording.CGROUP_KILL) : null;
    }

    private static Finding earlyoom(Region region) {
        return region.trail(200).contains("sendingsig") ? region.as(Backend.OOM_KILLER, Wording.OTHER_KILLER) : null;
    }

    /** {@code Memory limit of 512 MiB exceeded with 516 MiB used}. */
    private static Finding cloudRun(Region region) {
        return LIMIT_OF.matcher(region.restOfLine()).matches()
                ? region.as(Backend.OOM_KILLER, Wording.JOB_LIMIT)
                : null;
    }

    /** The kernel writes several lines about one kill: the constraint says whose memory it was, the last who died. */
    private static Finding kernelKill(Region region) {
        region.until("anon-rss:", 700);
        String said = region.text.substring(region.start, Math.max(region.bodyStart, region.end));
        boolean container = said.contains("memorycgroupoutofmemory")
                || region.text.startsWith("constraint_memcg", region.bodyStart)
                || said.contains("constraint_memcg");
        return region.as(Backend.OOM_KILLER, container ? Wording.CGROUP_KILL : Wording.KERNEL_KILL);
    }
}
