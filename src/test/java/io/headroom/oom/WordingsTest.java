package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sentences beside the main templates: other programs, other killers, cut and retyped messages. */
class WordingsTest {
    private static final long GIB = 1L << 30;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "cuda | torch.OutOfMemoryError: Allocation on device",
                "cpu | fork #2 failed: 12 (Cannot allocate memory)",
                "cuda | Error while calling cudaMalloc(&data, n) in file gpu_data.cpp:190. code: 2, reason: out of memory",
                "jvm | JVMJ9VM015W Initialization error for library j9gc_full29(5): Failed to allocate default memory space.",
                "jvm | JVMJ9VM015W Initialization error for library j9gc24(2): Failed to instantiate heap; 2G requested",
                "oom-killer | 1488666      a1ql_2012+       main      bsc32          4 OUT_OF_ME+    0:125",
                "oom-killer | 1488666.bat+      batch                 bsc32          4 OUT_OF_ME+    0:125",
                "oom-killer | 1234567        train.sh        gpu      acme          8 OUT_OF_MEMORY    0:125",
                "oom-killer | ~1234567.batch|batch|OUT_OF_MEMORY|0:125|16776212K~",
                "oom-killer | JobState=OUT_OF_MEMORY Reason=OutOfMemory Dependency=(null)",
                "oom-killer | Slurm Job_id=3353 Name=train.sh Failed, Run time 00:10:22, OUT_OF_MEMORY",
                "oom-killer | [NID 00146] 2011-05-01 19:00:18 Apid 15379: OOM killer terminated this process.",
                "oom-killer | Warning  SystemOOM  kubelet  System OOM encountered, victim process: python, pid: 4321",
                "oom-killer | TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.",
                "cpu | OSError: [WinError 8] Not enough memory resources are available to process this command",
                "cpu | OSError: [WinError 14] Not enough storage is available to complete this operation",
                "cpu | OSError: [Errno 12] Nicht genügend Hauptspeicher verfügbar",
                "cpu | OSError: [Errno 12] 无法分配内存",
                "cpu | -bash: fork: Ne peut allouer de la mémoire",
                "cpu | bash: fork: Kann Speicher nicht zuweisen",
                "cpu | bash: fork: No se pudo asignar memoria",
                "cpu | bash: fork: Não foi possível alocar memória",
                "cpu | bash: fork: Невозможно выделить память",
                "cpu | bash: fork: メモリを確保できません",
                "cpu | mmap: Cannot allocate memory",
                "cpu | libgomp: Out of memory allocating 927712937064 bytes",
                "cpu | fatal error: runtime: out of memory",
                "cpu | mxnet.base.MXNetError: [08:00:00] src/storage/./cpu_device_storage.h:70: Failed to allocate CPU Memory",
                "cpu | ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 8589934592",
                "cuda | src/storage/./pooled_storage_manager.h:157: cudaMalloc failed: out of memory",
                "cuda | ~MXNetError: storage.cc:63: Check failed: e == cudaSuccess || e == cudaErrorCudartUnloading CUDA: out of memory~",
                "cuda | Error: llama runner process has terminated: error loading model: unable to allocate CUDA0 buffer",
                "cuda | allocating 9.00 MiB on device 0: cudaMalloc failed: out of memory; unable to allocate CUDA0 buffer",
                "hip | ggml_gallocr_reserve_n: failed to allocate ROCm0 buffer of size 1234567890",
                "cuda | ValueError: The model's max seq len (4096) is larger than the maximum number of tokens that can be stored in KV cache (3664).",
                "cuda | (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (13.71 GiB).",
                "cuda | [TRT] [W] Requested amount of GPU memory (8589934592 bytes) could not be allocated.",
                "cuda | Cuda Error in nvinfer1::internal::DefaultAllocator::allocate: 2 (out of memory)",
                "cpu | BFCArena::AllocateRawInternal(size_t, bool) Available memory of 0 is smaller than requested bytes of 135383040",
                "cuda | - **Exception Type:** torch.OutOfMemoryError",
                "cuda | CUDA out of the memory. Tried to allocate 360.00 MiB",
                "cuda | MXNetError: pooled_storage_manager.h:161: cudaMalloc retry failed: out of memory",
                "cuda | ValueError: No available memory for the cache blocks.",
                "cuda | CUDA driver error: out of memory",
                "cublas | Check failed: err == CUBLAS_STATUS_SUCCESS (1 vs. 0) : Create cublas handle failed",
                "xpu | RuntimeError: level_zero backend failed with error: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)",
                "xpu | Native API failed. ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY",
                "cpu | OSError: [WinError 1455] 页面文件太小",
                "cpu | The paging file is too small for this operation to complete. (os error 1455)",
                "dataloader-shm | unable to mmap 4096 bytes from file </torch_36_31_63>: Cannot allocate memory (12)",
                "oom-killer | Container killed by YARN for exceeding memory limits. 8.2 GB of 8 GB physical memory used.",
                "oom-killer | slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch cgroup.",
                "oom-killer | slurmstepd: error: Job 7 exceeded memory limit (84000 > 83000), being killed",
                "oom-killer | ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory.",
                "oom-killer | systemd-oomd[34]: Killed /a.slice/b.service due to memory pressure for /a.slice being 60 %",
                "oom-killer | Memory limit of 512 MiB exceeded with 516 MiB used.",
                "oom-killer | c++: fatal error: Killed signal terminated program cc1plus",
                "jvm | Direct buffer memory at java.nio.Bits.reserveMemory(Bits.java:658)",
                "jvm | [warning][os,thread] Failed to start thread - pthread_create failed (EAGAIN) for attributes: 1024k",
                "jvm | java.lang.OutOfMemoryError: Cannot allocate 31 + 36 bytes (> Pointer.maxBytes)",
                "cuda | OutOfMemoryError                          Traceback (most recent call last)",
                "cuda | MemoryError: bad allocation: cudaErrorMemoryAllocation: out of memory",
                "cuda | RuntimeError: CUDA failed with error out of memory",
                "cuda | syncedmem.cpp:56] Check failed: error == cudaSuccess (2 vs. 0)  out of memory",
                "cuda | ERROR: [TRT]: 2: [buffer.cpp::resize::160] Error Code 2: OutOfMemory (no further information)",
                "cuda | 12:00:01 WARNING: batch skipped due to CUDA out of memory",
                "hip | HCC STATUS_CHECK Error: HSA_STATUS_ERROR_OUT_OF_RESOURCES (0x1008)",
                "cpu | ERROR import job 7 failed with std::bad_alloc",
                "cpu | memory allocation of 1179664 bytes failed",
                "oom-killer | make: *** [Makefile:12: train] Error 137",
                "oom-killer | Task exited with return code Negsignal.SIGKILL",
                "oom-killer | The node was low on resource: memory. Threshold quantity: 100Mi",
                "cuda | error: (-217:Gpu API call) out of memory in function 'allocate'",
                "cuda | misc dxg: dxgk: dxgkio_make_resident: Ioctl failed: -12",
                "cuda | rmm._lib.lib.RMMError: RMM_ERROR_OUT_OF_MEMORY",
                "cuda | instance of 'thrust::system::system_error' what():  parallel_for failed: out of memory",
                "cuda | RuntimeError: No executable batch size found, reached zero.",
                "hip | x: allocating 9.00 MiB on device 0: cudaMalloc failed: out of memory; failed to allocate ROCm0 buffer",
                "cpu | MemoryError: Unable to allocate array with shape (9681, 9681) and data type float64",
                "oom-killer | [launch.py:434:sigkill_handler] ['python3', 'main.py'] exits with return code = -9",
                "oom-killer | [4018.4] Killed process 935 (python) total-vm:113656kB, anon-rss:102104kB, file-rss:0kB",
                "oom-killer | a.service: A process of this unit has been killed by the OOM killer.",
                "oom-killer | heroku[web.1]: Error R15 (Memory quota vastly exceeded)",
                "oom-killer | The kernel for train.ipynb appears to have died. It will restart automatically.",
                "oom-killer | The Kernel for 02 fine-tune (copy).ipynb appears to have died. It will restart automatically.",
                "jvm | io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16777216 byte(s) of direct memory (used: 520093703, max: 536870912)",
                "jvm | FetchFailedException: failed to allocate 16777216 byte(s) of direct memory (used: 21407727616, max: 21422538752)",
                "cpu | java.io.IOException: Cannot run program ~/bin/ls~: error=12, Cannot allocate memory",
                "cpu | Caused by: java.io.IOException: error=12, 无法分配内存",
                "mps | error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
                "cpu | python(30038,0x10bdd6dc0) malloc: can't allocate region :*** mach_vm_map(size=8589938688, flags: 100) failed (error code=3)",
                "cpu | blender(400,0xa19571a8) malloc: *** mach_vm_map(size=193413120) failed (error code=3) *** error: can't allocate region",
                "oom-killer | joblib.externals.loky.process_executor.TerminatedWorkerError: A worker process managed by the executor was unexpectedly terminated. This could be caused by a segmentation fault while calling the function or by an excessive memory usage causing the Operating System to kill the worker. The exit codes of the workers are {SIGKILL(-9)}",
                "dataloader-shm | misc/shmutils.cc:88 NCCL WARN Error: failed to extend /dev/shm/nccl-WU88OE to 9637892 bytes, error: No space left on device (28)",
                "dataloader-shm | misc/shmutils.cc:71 NCCL WARN Error: failed to extend /dev/shm/nccl-fjwOOB to 5967876 bytes",
                "dataloader-shm | misc/shmutils.cc:132 NCCL WARN Error while creating shared memory segment /dev/shm/nccl-WU88OE (size 9637888), error: No space left on device (28)",
                "dataloader-shm | include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device",
                "cuda | RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that might have already set an error? Error 2: out of memory",
                "cuda | cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 1,600,000,000 bytes (allocated so far: 2,281,307,136 bytes).",
                "cuda | [TRT] [E] [myelinResourceManager.cpp::allocate::196] Error Code 2: OutOfMemory (Requested size was 71603093760 bytes.)",
                "cuda | MemoryError: std::bad_alloc: out_of_memory: RMM failure at:/blue/program/miniconda3/envs/rapids-23.10/include/rmm/mr/device/pool_memory_resource.hpp:196: Maximum pool size exceeded",
                "hip | RuntimeError: CUDA error: HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`",
                "oom-killer | srun: error: dcc-courses-28: task 0: Out Of Memory",
                "oom-killer | State: OUT_OF_MEMORY (exit code 0)",
                "oom-killer | =>> PBS: job killed: mem 2097152kb exceeded limit 1048576kb",
                "oom-killer | Command terminated by signal 9",
                "oom-killer | make: *** [Makefile:12: train] Killed",
                "cpu | bash: fork: Cannot allocate memory",
                "mps | [metal::malloc] Attempting to allocate 9 bytes which is greater than the maximum"
            })
    void isRecognised(String backend, String text) {
        assertThat(OutOfMemory.read(text).map(oom -> oom.backend().label())).contains(backend);
        assertThat(Log.read(text).failures()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Required length exceeds implementation limit",
                "Required array length 2147483638 + 13300 is too large",
                "UTF16 String size is 1207959550, should be less than 1073741823"
            })
    void anArrayBeyondJavasIndexIsNoFullHeap(String text) {
        assertThat(OutOfMemory.read(new OutOfMemoryError(text)).orElseThrow().wording())
                .isEqualTo(Wording.ARRAY_LIMIT);
    }

    @Test
    void cupysFiguresAreRead() {
        assertThat(fields(
                        "Out of memory allocating 1,693,802,496 bytes (allocated so far: 1,693,802,497 bytes, limit set to:"
                                + " 2,576,311,910 bytes)."))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "requested_bytes",
                        1_693_802_496L,
                        "allocated_bytes",
                        1_693_802_497L,
                        "max_allowed_bytes",
                        2_576_311_910L));
    }

    @Test
    void nettysAndMacsFiguresAreRead() {
        assertThat(fields("failed to allocate 16777216 byte(s) of direct memory (used: 520093703, max: 536870912)"))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "requested_bytes",
                        16_777_216L,
                        "allocated_bytes",
                        520_093_703L,
                        "max_allowed_bytes",
                        536_870_912L));
        assertThat(
                        fields(
                                "malloc: can't allocate region\n*** mach_vm_map(size=8589938688, flags: 100) failed (error code=3)"))
                .containsExactlyEntriesOf(Map.of("requested_bytes", 8_589_938_688L));
        assertThat(OutOfMemory.read("malloc: *** mach_vm_map(size=18446744073709240320) failed (error code=3)")
                        .orElseThrow()
                        .impossible())
                .isTrue();
    }

    @Test
    void theirFiguresAreRead() {
        assertThat(fields(
                        "Tried to allocate 20.00 MiB (GPU 1; 2.00 GiB total capacity; 1.50 GiB already allocated; 3.00 MiB"
                                + " free; 1.75 GiB reserved in total by PyTorch)"))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "requested_bytes",
                        20L << 20,
                        "device_index",
                        1L,
                        "total_bytes",
                        2 * GIB,
                        "allocated_bytes",
                        GIB + GIB / 2,
                        "free_bytes",
                        3L << 20,
                        "reserved_bytes",
                        GIB + 3 * (GIB / 4)));
        assertThat(fields("allocating 2048.00 MiB on device 3: cudaMalloc failed: out of memory"))
                .containsExactlyInAnyOrderEntriesOf(Map.of("requested_bytes", 2 * GIB, "device_index", 3L));
        assertThat(fields(
                        "java.lang.OutOfMemoryError: Failed to allocate a 4096 byte allocation with 512 free bytes and"
                                + " 2MB until OOM"))
                .containsExactlyInAnyOrderEntriesOf(Map.of("requested_bytes", 4096L, "free_bytes", 512L));
        assertThat(fields("onnxruntime::BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of"
                        + " size 4096"))
                .containsEntry("requested_bytes", 4096L);
        assertThat(fields(
                        "Out of memory error on GPU 1. Cannot allocate 56.00MB memory on GPU 1, 7.50GB memory has been"
                                + " allocated and available memory is only 12.75MB."))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "requested_bytes",
                        56L << 20,
                        "allocated_bytes",
                        7 * GIB + GIB / 2,
                        "free_bytes",
                        51L << 18,
                        "device_index",
                        1L));
        assertThat(fields("ERROR: Out of GPU memory trying to allocate 1.500 GiB"))
                .containsEntry("requested_bytes", GIB + GIB / 2);
        assertThat(fields("bash: xrealloc: cannot allocate 1019457536 bytes"))
                .containsEntry("requested_bytes", 1_019_457_536L);
        assertThat(fields("Could not allocate metaspace: 1073741824 bytes")).containsEntry("requested_bytes", GIB);
        assertThat(fields(
                        "ValueError: Free memory on device cuda:0 (59.50/79.25 GiB) on startup is less than desired GPU"
                                + " memory utilization (0.9, 71.24 GiB)."))
                .containsExactlyInAnyOrderEntriesOf(Map.of("free_bytes", 119 * GIB / 2, "total_bytes", 317 * GIB / 4));
        assertThat(fields("rocm_driver.cc:601] failed to allocate 8.00G from device: hipError_t(1002)"))
                .containsEntry("requested_bytes", 8 * GIB);
        assertThat(
                        fields(
                                "java.lang.OutOfMemoryError: requested 32756 bytes for ChunkPool::allocate. Out of swap space?"))
                .containsEntry("requested_bytes", 32_756L);
        assertThat(fields("cupy.cuda.memory.OutOfMemoryError: out of memory to allocate 4096 bytes (total 8192 bytes)"))
                .containsEntry("requested_bytes", 4096L);
    }

    @Test
    void theyAreReadThroughMarkupAndWithDecimalCommas() {
        String html =
                "<pre>torch.OutOfMemoryError: CUDA&nbsp;out&nbsp;of&nbsp;memory. Tried to <b>allocate</b> 1.50 GiB.<br/>GPU"
                        + " 0 has a total capacity of 15,50 GiB of which 17,75 MiB is free.</pre>";

        assertThat(fields(html))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "requested_bytes",
                        GIB + GIB / 2,
                        "device_index",
                        0L,
                        "total_bytes",
                        15 * GIB + GIB / 2,
                        "free_bytes",
                        (long) (17.75 * (1 << 20))));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 163840",
                "RuntimeError: [enforce fail at inline_container.cc:668] . PytorchStreamWriter failed writing file",
                "OSError: [Errno 28] No space left on device",
                "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",
                "Unable to determine the device handle for GPU 0000:0A:00.0: GPU is lost.",
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
                "a.cu:365: kernel: block: [0,0,0], thread: [3,0,0] Assertion `t >= 0 && t < n` failed.",
                "THCudaCheck FAIL file=/pytorch/aten/src/THC/generic/THCStorage.cu line=39 error=59 : device-side assert"
                        + " triggered",
                "State: { ExitCode:137, OOMKilled:false, Status:exited }"
            })
    void whatIsAnotherFaultIsSaidToBeOne(String text) {
        Log log = Log.read(text);

        assertThat(log.failures()).isEmpty();
        assertThat(log.nearMisses()).hasSize(1);
    }

    private static Map<String, Long> fields(String text) {
        return OutOfMemory.read(text).orElseThrow().fields();
    }
}
