package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines of other programs, code and notes that have the words of a memory error, and reports that stand in their like. */
class OtherProgramsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "The disk has a total capacity of 500 GB, of which 20 GB is free.",
                "Filesystem /data has a total capacity of 1.8 TiB of which 12 GiB is free",
                "The stadium has a total capacity of 50,000 people.",
                "Battery total capacity; remaining 45 %",
                "google.api_core.exceptions.ResourceExhausted: 429 Quota exceeded for quota metric 'Generate Content API requests per minute'",
                "grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.RESOURCE_EXHAUSTED\n\tdetails = \"Received message larger than max (5000000 vs. 4194304)\"",
                "io.grpc.StatusRuntimeException: RESOURCE_EXHAUSTED: gRPC message exceeds maximum size 4194304: 5029384\n\tat io.grpc.stub.ClientCalls.toStatusRuntimeException(ClientCalls.java:271)",
                "429 RESOURCE_EXHAUSTED: You exceeded your current quota, please check your plan and billing details.",
                "WARN pool: failed to allocate port 8080, max latency 3 s exceeded",
                "ERROR dhcp: Failed to allocate IP address from pool 10.0.0.0/24, max lanes 4",
                "I tensorflow/core/platform: started\nWARN docker: failed to allocate gateway (10.0.0.1): address already in use",
                "The memory limit of a container must not be exceeded, else it is restarted.",
                "if the memory limit of the pod is exceeded the job is stopped",
                "If the kernel appears to have died, press Restart.",
                "If the kernel for train.ipynb appears to have died, it will restart automatically.",
                "The battery for my laptop appears to have died. It will restart automatically.",
                "throw new OutOfDirectMemoryError(\"failed to allocate \" + capacity + \" byte(s) of direct memory (used: \" + used",
                "mysqld: error=12, see the manual",
                "The exit codes of the workers are {SIGSEGV(-11)}",
                "OSError: [Errno 28] No space left on device: '/data/checkpoint.pt'",
                "srun: error: node12: task 0: Exited with exit code 1",
                "PBS: job killed: walltime 3650 exceeded limit 3600",
                "mysql: Error 2: out of memory in the query cache",
                "RMM failure at:/x/aligned.hpp:66: requested alignment is not a power of 2",
                "grep for kIOGPUCommandBufferCallbackErrorOutOfMemory in the log",
                "failed assertion `[MPSNDArray, initWithBuffer:descriptor:] Error: buffer is not large enough. Must be 432 bytes",
                "failed assertion '[MPSNDArray initWithDevice:descriptor:] Error: product of dimension sizes > 2**31 '",
                "passenger(49856,0x7fff7686c310) malloc: *** mach_vm_map(size=1048576) failed (error code=268435459)",
                "if (status == CUDA_ERROR_OUT_OF_MEMORY) { retry(); }",
                "if (err == cudaErrorMemoryAllocation) return false;",
                "Returns: CUDA_SUCCESS, CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_OUT_OF_MEMORY",
                "#define CUBLAS_STATUS_ALLOC_FAILED 3",
                "    case CUBLAS_STATUS_ALLOC_FAILED: return \"CUBLAS_STATUS_ALLOC_FAILED\";",
                "CUDNN_STATUS_NOT_INITIALIZED = 1, CUDNN_STATUS_ALLOC_FAILED = 2,",
                "if 'CUDA out of memory' in str(e):\n    torch.cuda.empty_cache()",
                "    if \"CUDA out of memory\" in msg or \"out of memory\" in msg:",
                "raise RuntimeError('CUDA out of memory')",
                "How I solved CUDA out of memory on my laptop",
                "Resolved: CUDA out of memory in evaluation loop (#1234)",
                "- [x] report CUDA out of memory in the UI\n- [ ] docs",
                "kube_pod_container_status_last_terminated_reason{container=\"web\",reason=\"OOMKilled\"} 0",
                "memory.events: low 0 high 0 max 0 oom 0 oom_kill 0",
                "systemctl kill sends signal 9 (SIGKILL) to the unit",
                "exception MemoryError: Raised when an operation runs out of memory but the situation may still be rescued",
                "docs: exit code 137 means that the container was stopped with SIGKILL",
                "| exit code 137 | container killed | raise the limit |",
                "@throws java.lang.OutOfMemoryError if the heap is full",
                "static final String HEAP = \"Java heap space\";",
                "assertThatThrownBy(run).hasMessage(\"Java heap space\");",
                "std::bad_alloc is thrown when operator new fails.",
                "catch (const std::bad_alloc& e) { }",
                "logger.warning(\"CUDA out of memory, retrying with batch size %d\", bs)",
                "Total capacity; used; free\n500; 200; 300",
                "OOMKilled (exit code 137) means a container exceeded its memory limit and the kernel killed it.",
                "[0] include/alloc.h:102 NCCL WARN Cuda failure 1 'invalid argument'\nRuntimeError: NCCL Error 1: unhandled cuda error",
                "Stopped: Killed process 12 (worker) by request",
                "exits with return code = -90",
                "subprocess: signals.SIGKILL is 9",
                "OOM OUT_OF_MEMORY Job experienced out of memory error.",
                "OOM    OUT_OF_MEMORY    The job was killed for memory.",
                "FAIL_STATES = ['TIMEOUT', 'OUT_OF_MEMORY', 'NODE_FAIL']",
                "|OUT_OF_MEMORY|the job used more than it asked for|",
                "elif slurmjs in ['OOM', \"OUT_OF_MEMORY\"]: return c.FAILED",
                "1488666.ext+     extern                 bsc32          4  COMPLETED      0:0",
                "ImportError: /usr/lib/libgomp.so.1: cannot allocate memory in static TLS block",
                "Returns -1 if the system cannot allocate memory",
                "OpenBLAS : Program is Terminated. Because you tried to allocate too many memory regions.",
                "bash: fork: retry: Resource temporarily unavailable",
                "bash: fork: retry: Ressource temporairement non disponible",
                "ibv_create_cq failed: Cannot allocate memory",
                "warning: failed to mlock 102400000-byte buffer (after previously locking 0 bytes): Cannot allocate memory\nTry increasing RLIMIT_MEMLOCK ('ulimit -l' as root).",
                "mlockall: Cannot allocate memory",
                "mlock() failed: 12 (Cannot allocate memory)",
                "sacct --state=OUT_OF_MEMORY -S now-7days",
                "slurm_jobs{state=\"OUT_OF_MEMORY\"} 0",
                "OSError: [WinError 87] The parameter is incorrect",
                "MXNetError: Check failed: e == cudaSuccess: CUDA: an illegal memory access was encountered",
                "numba.cuda.cudadrv.driver.CudaAPIError: [719] Call to cuMemAlloc results in CUDA_ERROR_LAUNCH_FAILED",
                "[TRT] [W] Tactic Device request: 448MB Available: 425MB. Device memory is insufficient to use tactic.",
                "[TRT] [W] Skipping tactic 4 due to insufficient memory on requested size of 66048 detected for tactic 0x1f.",
                "throw std::runtime_error(format(\"unable to allocate %s buffer\", ggml_backend_buft_name(buft)));",
                "llama_kv_cache_init:      CUDA0 KV buffer size =   896.00 MiB",
                "INFO vllm: # GPU blocks: 378, # CPU blocks: 1638; maximum concurrency for 4096 tokens per request: 1.48x"
            })
    void isNoFailure(String text) {
        assertThat(Log.read(text).failures()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "failed assertion `[MPSNDArray initWithDevice:descriptor:] Error: total bytes of NDArray > 2**32'",
                "failed assertion '[MPSNDArray initWithDevice:descriptor:] Error: product of dimension sizes > 2**31 '",
                "failed assertion `[MPSNDArray, initWithBuffer:descriptor:] Error: buffer is not large enough. Must be 432 bytes",
                "MPSNDArray.mm:850: failed assertion `Error: NDArray dimension length > INT_MAX'"
            })
    void metalsOtherLimitsAreNamed(String text) {
        assertThat(Log.read(text).failures()).isEmpty();
        assertThat(Log.read(text).nearMisses()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "The command '/bin/sh -c pip install https://download.pytorch.org/whl/cu121/torch.whl' returned a non-zero code: 137",
                "ERROR: Pipeline failed with exit code 137",
                "Build step 'Execute command line' exited with code 137",
                "[ERROR] inline job: process exited with code 137",
                "[2024-05-01 10:00:00] https://ci.example.org/job/12: command terminated with exit code 137",
                "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.8.1:compile (default-compile) on project app: Fatal error compiling: Java heap space -> [Help 1]",
                "[ERROR] GC overhead limit exceeded -> [Help 1]",
                "Execution failed for task ':app:dexDebug'.\n> Java heap space",
                "bash: line 1: 12345 Killed: 9                  python train.py",
                "./run.sh: line 3: 12345 Killed: 9 java -jar app.jar",
                "Killed: 9",
                "make: *** [train] Killed: 9",
                "The worker could not continue, CUDA out of memory",
                "WARNING step 300 skipped when running forward: CUDA out of memory",
                "We hit CUDA out of memory at step 300, batch skipped",
                "Training failed, caused by CUDA out of memory",
                "ERROR job stopped: caught CUDA out of memory",
                "Terminating due to java.lang.OutOfMemoryError",
                "Exception: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler in thread \"main\"",
                "Caused by java.lang.OutOfMemoryError",
                "java.lang.OutOfMemoryError",
                "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\nAborted (core dumped)",
                "ai.djl.engine.EngineException: CUDA out of memory. Tried to allocate 2.00 GiB",
                "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat Main.main(Main.java:3)",
                "zsh: killed     python train.py",
                "[1]    12345 killed     python train.py",
                "Process finished with exit code 137 (interrupted by signal 9: SIGKILL)",
                "npm ERR! code ELIFECYCLE\nnpm ERR! errno 137",
                "Task exited with return code Negsignal.SIGKILL",
                "INFO 12:00 Stage 3 failed 4 times, most recent failure: ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container from a bad node. Exit status: 137. Diagnostics: Container killed on request. Exit code is 137",
                "java.util.concurrent.ExecutionException: java.lang.OutOfMemoryError: Java heap space"
            })
    void isOne(String text) {
        assertThat(OutOfMemory.read(text)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "RuntimeError('CUDA out of memory')",
                "error=\"CUDA out of memory\"",
                "RESOURCE_EXHAUSTED: Out of memory allocating 512 bytes."
            })
    void isOneAsPrograms(String text) {
        assertThat(OutOfMemory.read(text)).isPresent();
    }
}
