package io.headroom.oom;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The sentences of PyTorch's device allocators: CUDA and ROCm of every release, Intel GPU, Metal. */
final class DeviceForms {
    private static final Pattern FREE_OF = Pattern.compile(
            "(?:cuda:\\d{1,3})?\\((\\d{1,6}\\.\\d{1,4})/(\\d{1,6}\\.\\d{1,4})([kmgt]ib)\\)onstartupislessthan");

    private static final Pattern BUFFER = Pattern.compile("\\d{1,3}buffer");

    private static final Pattern CUPY = Pattern.compile(
            "outofmemoryallocating([\\d,]{1,25})bytes\\(allocatedsofar:([\\d,]{1,25})bytes(?:,limitsetto:([\\d,]{1,25})bytes)?");

    private DeviceForms() {}

    static final List<Form> ALL = List.of(
            Form.headline("cudaoutofmemory", region -> breakdown(region, Backend.CUDA)),
            Form.headline("cudaoutofthememory", region -> breakdown(region, Backend.CUDA)),
            Form.headline("hipoutofmemory", region -> breakdown(region, Backend.HIP)),
            Form.headline("xpuoutofmemory", region -> breakdown(region, Backend.XPU)),
            Form.headline("mpsbackendoutofmemory", DeviceForms::mps),
            Form.headline("invalidbuffersize:", region -> {
                region.after("invalidbuffersize:", Field.REQUESTED);
                return region.as(Backend.MPS, Wording.MPS_BUFFER);
            }),
            Form.headline("[metal::malloc]attemptingtoallocate", region -> {
                region.after("attemptingtoallocate", Field.REQUESTED).after("allowedbuffersizeof", Field.MAX_ALLOWED);
                return region.as(Backend.MPS, Wording.MPS_BUFFER);
            }),
            Form.of("commandbuffercallbackerroroutofmemory", DeviceForms::metal),
            Form.of("outofmemoryerror:outofmemorytoallocate", region -> {
                region.after("outofmemorytoallocate", Field.REQUESTED);
                return region.as(Backend.CUDA, Wording.RAW_RUNTIME);
            }),
            Form.headline("platformcannotallocatememoryblock", region -> {
                sizes(region);
                return region.as(Backend.XPU, Wording.SINGLE_BLOCK);
            }),
            Form.of("triedtoallocatemorethan1eb", region -> overflow(region, Backend.CUDA)),
            Form.of("hasatotalcapac", region -> isOfDevice(region) ? breakdown(region, unnamed(region)) : null),
            Form.of("totalcapacity;", region -> isOfDevice(region) ? breakdown(region, Backend.CUDA) : null),
            Form.of("triedtoallocate", DeviceForms::headless),
            Form.headline("wouldexceedallowedmemory", DeviceForms::async),
            Form.of("torch.outofmemoryerror", DeviceForms::named),
            Form.of("torch.cuda.outofmemoryerror", DeviceForms::named),
            raw("ur_result_error_out_of_", Backend.XPU),
            raw("ze_result_error_out_of_", Backend.XPU),
            raw("pi_error_out_of_", Backend.XPU),
            raw("hsa_status_error_out_of_resources", Backend.HIP),
            Form.of("outofmemoryerrortraceback(mostrecentcalllast)", DeviceForms::ipython),
            raw("cudafailedwitherroroutofmemory", Backend.CUDA),
            Form.of("cudasuccess(2vs.0)", region -> region.as(Backend.CUDA, Wording.RAW_RUNTIME)),
            raw("cudaerrorinallocate:2", Backend.CUDA),
            Form.of("outofgpumemorytryingtoallocate", region -> {
                region.after("tryingtoallocate", Field.REQUESTED);
                return raw(region, Backend.CUDA);
            }),
            Form.of("[trt]:", DeviceForms::tensorRt),
            Form.headline("outofmemoryerrorongpu", DeviceForms::paddle),
            Form.headline("cudaruntimeerror(", DeviceForms::numbered),
            Form.of("thcudacheckfail", DeviceForms::checked),
            raw("cudaerror:outofmemory", Backend.CUDA),
            Form.of("cudadrivererror:outofmemory", region -> region.as(Backend.CUDA, Wording.DRIVER)),
            raw("cudaerror2(outofmemory)", Backend.CUDA),
            raw("error2outofmemory", Backend.CUDA),
            raw("cuda_error_out_of_memory", Backend.CUDA),
            raw("cudaerrormemoryallocation", Backend.CUDA),
            Form.of("cudamallocfailed:outofmemory", DeviceForms::ggml),
            raw("cudamallocretryfailed:outofmemory", Backend.CUDA),
            Form.of(
                    "cuda:outofmemory",
                    region -> Prose.isMention(region) || Prose.isLiteral(region) ? null : raw(region, Backend.CUDA)),
            raw("code:2,reason:outofmemory", Backend.CUDA),
            raw("defaultallocator::allocate:2(outofmemory)", Backend.CUDA),
            Form.of("unabletoallocatecuda", region -> unallocated(region, Backend.CUDA)),
            Form.of("failedtoallocatecuda", region -> unallocated(region, Backend.CUDA)),
            Form.of("unabletoallocaterocm", region -> unallocated(region, Backend.HIP)),
            Form.of("failedtoallocaterocm", region -> unallocated(region, Backend.HIP)),
            Form.of(
                    "requestedamountofgpumemory(",
                    region -> region.trail(80).contains("couldnotbeallocated")
                                    && !region.isNear("errorcode2:outofmemory", 300, 0)
                            ? region.after("memory(", Field.REQUESTED)
                                    .until("couldnotbeallocated", 80)
                                    .as(Backend.CUDA, Wording.RAW_RUNTIME)
                            : null),
            Form.of(
                    "islargerthanthemaximumnumberoftokensthatcanbestoredinkvcache",
                    region -> region.as(Backend.CUDA, Wording.CACHE_BLOCKS)),
            Form.of(
                    "kvcacheisneeded,whichislargerthantheavailablekvcachememory",
                    region -> region.leading("(", Field.REQUESTED).as(Backend.CUDA, Wording.CACHE_BLOCKS)),
            Form.of("noavailablememoryforthecacheblocks", region -> region.as(Backend.CUDA, Wording.CACHE_BLOCKS)),
            Form.of("freememoryondevice", DeviceForms::vllm),
            Form.of(
                    "noexecutablebatchsizefound",
                    region -> Prose.isMention(region) || Prose.isLiteral(region)
                            ? null
                            : region.as(Backend.CUDA, Wording.HEADLINE)),
            Form.of(
                    "rmmfailureat",
                    region -> region.trail(400).contains("maximumpoolsizeexceeded")
                            ? region.until("maximumpoolsizeexceeded").as(Backend.CUDA, Wording.RAW_RUNTIME)
                            : region.lead(60).contains("out_of_memory")
                                    ? region.as(Backend.CUDA, Wording.RAW_RUNTIME)
                                    : null),
            Form.of("(allocatedsofar:", DeviceForms::cupy),
            Form.of(
                    "error2:outofmemory",
                    region -> region.lead(300).contains("cuda") ? raw(region, Backend.CUDA) : null),
            Form.of(
                    "errorcode2:outofmemory(",
                    region -> Prose.isMention(region)
                            ? null
                            : region.after("(requestedsizewas", Field.REQUESTED).as(Backend.CUDA, Wording.RAW_RUNTIME)),
            Form.of(
                    "hipblas_status_alloc_failedwhencalling",
                    region -> Prose.isMention(region) ? null : region.as(Backend.HIP, Wording.HANDLE)),
            raw("gpuapicall)outofmemory", Backend.CUDA),
            raw("rmm_error_out_of_memory", Backend.CUDA),
            Form.of(
                    "thrust::system::system_error",
                    region -> region.trail(160).contains("failed:outofmemory")
                            ? region.until("failed:outofmemory").as(Backend.CUDA, Wording.RAW_RUNTIME)
                            : null),
            raw("dxgkio_make_resident:ioctlfailed:-12", Backend.CUDA),
            raw("cudafailure2:outofmemory", Backend.CUDA),
            raw("hiperror:outofmemory", Backend.HIP),
            raw("hiperroroutofmemory", Backend.HIP),
            raw("hip_error_outofmemory", Backend.HIP));

    /** Disks have a total capacity too. */
    private static boolean isOfDevice(Region region) {
        return region.isNear("gpu", 120, 0)
                || region.isNear("triedtoallocate", 120, 0)
                || region.isNear("alreadyallocated", 0, 120)
                || region.isNear("bypytorch", 0, 400);
    }

    private static Finding breakdown(Region region, Backend backend) {
        if (region.continuesWith(".triedtoallocatemorethan1eb")
                || region.continuesWith(":triedtoallocatemorethan1eb")) {
            return overflow(region, backend);
        }
        sizes(region);
        boolean bare = region.sizes.isEmpty() && region.device.isEmpty() && !region.impossible;
        return bare && (Prose.isMention(region) || Prose.isLiteral(region))
                ? null
                : region.as(backend, wording(region));
    }

    /** A paste that begins behind "out of memory." */
    private static Finding headless(Region region) {
        int reach = Math.min(region.limit, region.bodyStart + 60);
        String near = region.text.substring(region.bodyStart, reach);
        return near.contains("totalcapacity;") || near.contains("hasatotalcapac")
                ? breakdown(region, unnamed(region))
                : null;
    }

    /** The exception's name alone, where no message that is read by itself follows: {@code Allocation on device}. */
    private static Finding named(Region region) {
        String trail = region.text.substring(region.bodyStart, Math.min(region.text.length(), region.bodyStart + 120));
        boolean other = region.limit < region.bodyStart + 120 && region.limit < region.text.length()
                || trail.contains("outofmemory")
                || trail.contains("triedtoallocate");
        char next = region.next();
        if (other || next == ')' || next == ',' || Prose.isCode(region) || Prose.isMention(region)) {
            return null;
        }
        boolean async = trail.contains("allocationondevice");
        return region.until("allocationondevice", 120).as(Backend.CUDA, async ? Wording.ASYNC : Wording.HEADLINE);
    }

    /** IPython's header, where the line with the message was cut off. */
    private static Finding ipython(Region region) {
        return region.limit < region.text.length() || region.contains("outofmemory")
                ? null
                : region.as(Backend.CUDA, Wording.HEADLINE);
    }

    /** CuPy: {@code Out of memory allocating 1,600,000,000 bytes (allocated so far: 2,281,307,136 bytes).} */
    private static Finding cupy(Region region) {
        Matcher said = CUPY.matcher(region.lead(80) + region.trail(80));
        if (!said.find()) {
            return null;
        }
        put(region, Field.REQUESTED, said.group(1));
        put(region, Field.ALLOCATED, said.group(2));
        if (said.group(3) != null) {
            put(region, Field.MAX_ALLOWED, said.group(3));
        }
        return region.as(Backend.CUDA, Wording.RAW_RUNTIME);
    }

    private static void put(Region region, Field field, String digits) {
        Size.of(digits.replace(",", ""), "b").ifPresent(size -> region.sizes.put(field, size));
    }

    private static Finding tensorRt(Region region) {
        if (!region.trail(200).contains("errorcode2:outofmemory")) {
            return null;
        }
        return region.until("errorcode2:outofmemory", 200)
                .after("amountofgpumemory(", Field.REQUESTED)
                .as(Backend.CUDA, Wording.RAW_RUNTIME);
    }

    private static Finding paddle(Region region) {
        return region.device("ongpu", ".")
                .after("cannotallocate", Field.REQUESTED)
                .before("memoryhasbeenallocated", Field.ALLOCATED)
                .after("availablememoryisonly", Field.FREE)
                .as(Backend.CUDA, Wording.HEADLINE);
    }

    /** llama.cpp: {@code allocating 35533.34 MiB on device 0: cudaMalloc failed: out of memory}. */
    private static Finding ggml(Region region) {
        region.leading("allocating", Field.REQUESTED).device("ondevice", ":");
        boolean rocm = region.trail(120).contains("failedtoallocaterocm"); // its calls keep CUDA's names
        return raw(region, rocm ? Backend.HIP : Backend.CUDA);
    }

    /** What it says of the same a few lines on: {@code unable to allocate CUDA0 buffer}. */
    private static Finding unallocated(Region region, Backend backend) {
        Matcher buffer = BUFFER.matcher(region.text).region(region.bodyStart, region.text.length());
        if (!buffer.lookingAt() || region.isNear("cudamallocfailed", 400, 0)) {
            return null;
        }
        region.until("buffer", 10).count("bufferofsize", "", Field.REQUESTED);
        return Prose.isCode(region) || Prose.isMention(region) || Prose.isLiteral(region)
                ? null
                : region.as(backend, Wording.RAW_RUNTIME);
    }

    /** {@code Free memory on device (59.32/79.15 GiB) on startup is less than desired GPU memory utilization}. */
    private static Finding vllm(Region region) {
        Matcher free = FREE_OF.matcher(region.text).region(region.bodyStart, region.text.length());
        if (!free.lookingAt()) {
            return null;
        }
        Size.of(free.group(1), free.group(3)).ifPresent(size -> region.sizes.put(Field.FREE, size));
        Size.of(free.group(2), free.group(3)).ifPresent(size -> region.sizes.put(Field.TOTAL, size));
        return region.until("gpumemoryutilization").as(Backend.CUDA, Wording.CACHE_BLOCKS);
    }

    private static void sizes(Region region) {
        region.after("triedtoallocate", Field.REQUESTED)
                .device("(gpu", ";")
                .device("gpu", "hasatotal")
                .after("hasatotalcapacityof", Field.TOTAL)
                .after("hasatotalcapactyof", Field.TOTAL)
                .before("totalcapacity", Field.TOTAL)
                .before("alreadyallocated", Field.ALLOCATED)
                .after("ofwhich", Field.FREE)
                .before("free", Field.FREE)
                .before("cached", Field.RESERVED_UNALLOCATED)
                .before("reservedintotal", Field.RESERVED)
                .before("allowed", Field.MAX_ALLOWED)
                .processes()
                .after("thisprocesshas", Field.IN_USE)
                .before("isallocatedbypytorch", Field.ALLOCATED)
                .before("allocatedinprivatepools", Field.PRIVATE_POOLS)
                .before("isreservedbypytorchbutunallocated", Field.RESERVED_UNALLOCATED);
    }

    private static Wording wording(Region region) {
        if (region.contains("hasatotalcapacty")) {
            return Wording.CAPACTY;
        }
        if (region.text.startsWith("hasatotalcapac", region.start) || region.contains("hasatotalcapacity")) {
            if (region.contains("docs.pytorch.org")) {
                return Wording.OPTIMIZING;
            }
            if (region.contains("pytorch_alloc_conf")) {
                return Wording.ALLOC_CONF;
            }
            return region.sizes.containsKey(Field.PRIVATE_POOLS) ? Wording.PRIVATE_POOLS : Wording.CAPACITY;
        }
        if (region.sizes.containsKey(Field.RESERVED)) {
            return region.contains("max_split_size_mb") ? Wording.RESERVED_WITH_HINT : Wording.RESERVED;
        }
        return region.sizes.containsKey(Field.RESERVED_UNALLOCATED) ? Wording.CACHED : Wording.HEADLINE;
    }

    private static Backend unnamed(Region region) {
        if (region.contains("pytorch_hip_alloc_conf")) {
            return Backend.HIP;
        }
        return region.contains("releaseallunoccupiedcachedmemory") ? Backend.XPU : Backend.CUDA;
    }

    private static Finding overflow(Region region, Backend backend) {
        region.until("triedtoallocatemorethan1ebmemory");
        region.impossible = true;
        return region.as(backend, Wording.OVERFLOW);
    }

    private static Finding async(Region region) {
        region.device("device", "would")
                .after("currentlyallocated:", Field.ALLOCATED)
                .after("requested:", Field.REQUESTED)
                .after("devicelimit:", Field.TOTAL)
                .after("free(accordingtocuda):", Field.FREE)
                .after("user-suppliedmemoryfraction):", Field.MAX_ALLOWED);
        return region.as(Backend.CUDA, Wording.ASYNC);
    }

    /** Old releases of PyTorch: {@code cuda runtime error (2) : out of memory}. */
    private static Finding numbered(Region region) {
        region.until(")");
        return region.continuesWith("2)")
                ? region.until("outofmemory").as(Backend.CUDA, Wording.CUDA_RUNTIME_2)
                : otherCall(region, ": its error code is not 2.");
    }

    /** The line before it: {@code THCudaCheck FAIL file=… line=58 error=2 : out of memory}. */
    private static Finding checked(Region region) {
        region.until("error=");
        int error = region.text.indexOf("error=2:", region.bodyStart);
        return error >= 0 && error < region.bodyStart + 200
                ? region.until("outofmemory").as(Backend.CUDA, Wording.CUDA_RUNTIME_2)
                : otherCall(region, ".");
    }

    private static Finding otherCall(Region region, String detail) {
        return NearMissForms.isNamed(region)
                ? null
                : region.notThis("A CUDA call failed for another reason than memory" + detail);
    }

    private static Form raw(String literal, Backend backend) {
        return Form.of(literal, region -> raw(region, backend));
    }

    private static Finding raw(Region region, Backend backend) {
        if (region.isNear("tensorflow/", 400, 0)) {
            return region.as(Backend.TENSORFLOW, Wording.TENSORFLOW);
        }
        if (Prose.isCode(region)) {
            return null;
        }
        region.until("cudaerrormemoryallocation");
        return region.as(backend, Wording.RAW_RUNTIME);
    }

    /** {@code Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)}. */
    private static Finding metal(Region region) {
        return region.lead(40).contains("insufficientmemory(") && !Prose.isMention(region)
                ? region.as(Backend.MPS, Wording.METAL)
                : null;
    }

    private static Finding mps(Region region) {
        region.after("mpsallocated:", Field.MPS_ALLOCATED)
                .after("otherallocations:", Field.MPS_OTHER)
                .after("maxallowed:", Field.MAX_ALLOWED)
                .after("triedtoallocate", Field.REQUESTED);
        boolean binary = region.text.substring(region.start, region.end).matches(".*[0-9][kmg]ib.*");
        boolean bare = region.sizes.isEmpty() && !region.impossible;
        return bare && Prose.isMention(region)
                ? null
                : region.as(Backend.MPS, binary ? Wording.MPS_BINARY : Wording.MPS);
    }
}
