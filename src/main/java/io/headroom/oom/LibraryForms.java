package io.headroom.oom;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Out of memory in disguise: cuBLAS, cuDNN, NCCL; and TensorFlow and JAX, whose sentences are their own. */
final class LibraryForms {
    private static final Set<String> CUBLAS = Set.of("alloc_failed", "not_initialized", "internal_error");
    private static final Set<String> CUDNN = Set.of(
            "alloc_failed", "not_initialized", "internal_error", "execution_failed", "mapping_error", "not_supported");

    private static final Pattern XLA = Pattern.compile("(?<![a-z])(?:jax|xla)", Pattern.CASE_INSENSITIVE);
    private static final Pattern TENSORFLOW = Pattern.compile("tensorflow", Pattern.CASE_INSENSITIVE);

    private LibraryForms() {}

    static final List<Form> ALL = List.of(
            Form.of("cublas_status_", region -> status(region, CUBLAS, Backend.CUBLAS)),
            Form.of("cudnn_status_", region -> status(region, CUDNN, Backend.CUDNN)),
            Form.of("createcublashandlefailed", region -> region.as(Backend.CUBLAS, Wording.HANDLE)),
            Form.of("cusolver_status_alloc_failed", region -> region.as(Backend.CUDA, Wording.HANDLE)),
            Form.of("cufft_alloc_failed", region -> region.as(Backend.CUDA, Wording.HANDLE)),
            Form.of("findavalidcudnnalgorithm", region -> region.as(Backend.CUDNN, Wording.ENGINE_SEARCH)),
            Form.of("unabletofindanengine", region -> region.as(Backend.CUDNN, Wording.ENGINE_SEARCH)),
            Form.of("ncclerror", LibraryForms::nccl),
            Form.of("ncclunhandledcudaerror", LibraryForms::nccl),
            Form.of("cudafailure2outofmemory", LibraryForms::ncclWarning),
            Form.of("cudafailureoutofmemory", LibraryForms::ncclWarning),
            Form.of("failedtoallocate", LibraryForms::driver),
            Form.of("issmallerthanrequestedbytesof", LibraryForms::arena),
            Form.of("oomwhenallocatingtensor", LibraryForms::tensor),
            Form.of("ranoutofmemorytryingtoallocate", LibraryForms::tensor),
            Form.of("resourceexhaustederror", LibraryForms::tensor),
            Form.of("resource_exhausted:", LibraryForms::exhausted),
            Form.of("resourceexhausted:", LibraryForms::exhausted));

    private static Finding status(Region region, Set<String> memory, Backend backend) {
        for (String status : memory) {
            if (region.continuesWith(status)) {
                region.until(status);
                return Prose.isCode(region) || Prose.isLiteral(region) ? null : region.as(backend, Wording.HANDLE);
            }
        }
        return region.continuesWith("success")
                ? null
                : region.notThis("A " + backend.title() + " call failed; this status is about its arguments, the"
                        + " hardware or an earlier fault, not about memory.");
    }

    private static Finding nccl(Region region) {
        String near = region.text.substring(region.start, region.bodyStart) + region.trail(1200);
        boolean memory = near.contains("outofmemory");
        boolean otherReason =
                !memory && (near.contains("cudafailure") || region.lead(400).contains("cudafailure"));
        if (memory) {
            region.until("outofmemory");
        }
        if (memory || (near.contains("unhandledcudaerror") && !otherReason)) {
            region.until("calltocudafunctionfailed");
            return region.as(Backend.NCCL, Wording.NCCL);
        }
        region.until("ncclunhandledcudaerror");
        return region.notThis("NCCL failed for another reason than memory; the line after \"Last error\" names it.");
    }

    private static Finding ncclWarning(Region region) {
        if (region.trail(300).contains("cudacalloc")) {
            region.after("cudacalloc", Field.REQUESTED);
        }
        return region.as(Backend.NCCL, Wording.NCCL);
    }

    /** ONNX Runtime, where a limit was set: {@code Available memory of 0 is smaller than requested bytes of 135383040}. */
    private static Finding arena(Region region) {
        return region.lead(60).contains("availablememoryof") ? onnx(region, "requestedbytesof") : null;
    }

    private static Finding onnx(Region region, String label) {
        region.count(label, "", Field.REQUESTED);
        if (region.sizes.isEmpty() && !region.impossible) {
            return null;
        }
        boolean gpu = region.isNear("cuda", 400, 0);
        return region.as(gpu ? Backend.CUDA : Backend.CPU, Wording.ONNX);
    }

    private static Finding driver(Region region) {
        if (region.continuesWith("memoryforrequestedbufferofsize")) {
            return onnx(region, "memoryforrequestedbufferofsize");
        }
        if (region.continuesWith("cpumemory") && region.isNear("mxnet", 600, 0)) {
            return region.as(Backend.CPU, Wording.MXNET);
        }
        if (region.continuesWith("bufferofsize") && region.isNear("ggml_backend_cpu", 80, 0)) {
            region.count("bufferofsize", "", Field.REQUESTED);
            return region.as(Backend.CPU, Wording.NATIVE);
        }
        if (region.contains("fromdevice[")) {
            region.after("failedtoallocate", Field.REQUESTED).until("fromdevice[");
            return region.as(Backend.CUDA, Wording.RAW_RUNTIME);
        }
        boolean fromDevice = region.contains("fromdevice");
        boolean xla = region.isNear(XLA, 600, 300);
        boolean tensorflow = region.isNear(TENSORFLOW, 600, 100);
        if (!fromDevice && !xla && !tensorflow) {
            return null;
        }
        region.after("(", Field.REQUESTED).after("failedtoallocate", Field.REQUESTED);
        if (!fromDevice && region.sizes.isEmpty() && !region.trail(120).contains("memory")) {
            return null;
        }
        region.until("fromdevice:cuda_error_out_of_memory:outofmemory").until("hip_error_outofmemory");
        return xla && !tensorflow
                ? region.as(Backend.JAX, Wording.JAX)
                : region.as(Backend.TENSORFLOW, Wording.TENSORFLOW);
    }

    /** XLA's sources lie below TensorFlow's: a path there names neither. */
    private static boolean isTensorFlow(Region region) {
        String near = region.text.substring(
                Math.max(0, region.start - 600),
                Math.min(region.text.length(), Math.max(region.end, region.bodyStart) + 100));
        return near.replace("org_tensorflow", "")
                .replace("tensorflow/compiler/xla", "")
                .contains("tensorflow");
    }

    private static Finding tensor(Region region) {
        boolean another = region.limit < region.bodyStart + 3; // only a colon, then a message that is read by itself
        if (another) {
            return null;
        }
        region.after("tryingtoallocate", Field.REQUESTED)
                .device("device:gpu:", "")
                .until("oomwhenallocatingtensor");
        return region.as(Backend.TENSORFLOW, Wording.TENSORFLOW);
    }

    /** gRPC has the same status for quotas, rates and messages that are too long. */
    private static boolean isOfMemory(Region region) {
        String said = region.trail(400);
        return said.contains("memory")
                || said.contains("oom")
                || said.contains("toallocate")
                || said.contains("allocating");
    }

    private static Finding exhausted(Region region) {
        if (!isOfMemory(region)) {
            return region.notThis(
                    "A service refused a call (gRPC's RESOURCE_EXHAUSTED): a quota, a rate or the size of a"
                            + " message, not this process's memory.");
        }
        region.after("outofmemoryallocating", Field.REQUESTED)
                .after("tryingtoallocate", Field.REQUESTED)
                .after("failedtoallocaterequestfor", Field.REQUESTED)
                .after("attemptingtoallocate", Field.REQUESTED)
                .until("outofmemory")
                .until("failedtoallocate");
        return isTensorFlow(region) || region.contains("oomwhenallocatingtensor")
                ? tensor(region)
                : region.as(Backend.JAX, Wording.JAX);
    }
}
