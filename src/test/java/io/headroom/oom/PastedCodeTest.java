package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pasted code, lists, titles and advice that name an error, and what a program goes on from; beside them, reports in their like. */
class PastedCodeTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "HugeTLB: mmap failed: Cannot allocate memory. Continuing with regular pages",
                "mmap(MAP_HUGETLB): Cannot allocate memory, using 4 KiB pages",
                "mmap failed: Cannot allocate memory, falling back to read",
                "ENOMEM: Cannot allocate memory",
                "- `ENOMEM`: Cannot allocate memory",
                "  12  ENOMEM: Cannot allocate memory",
                "with pytest.raises(RuntimeError, match='CUDA: out of memory'):",
                "match='CUDA: out of memory'",
                "## CUDA: Out of memory",
                "feat: retry on CUDA: out of memory",
                "How to fix CUDA: out of memory",
                "raise RuntimeError(\"CUDA: out of memory\")",
                "log.error(\"Unable to allocate CUDA0 buffer of size \" + n)",
                "throw new IllegalStateException(\"failed to allocate ROCm0 buffer of size \" + n);",
                "assert str(e) == 'fatal error: runtime: out of memory'",
                "assertEquals(\"fatal error: runtime: out of memory\", line);",
                "How to avoid fatal error: runtime: out of memory in Go",
                "Available memory of 8 GiB is smaller than requested bytes of the recommendation",
                "\"Available memory of \", free, \" is smaller than requested bytes of \", size",
                "Failed to allocate memory for requested buffer of size \" + size",
                "libgomp: Out of memory allocating",
                "gomp_fatal (\"libgomp: Out of memory allocating %lu bytes\", size);",
                "# [Errno 12] Cannot allocate memory",
                "// [Errno 12] Cannot allocate memory",
                "os.fork()  # OSError: [Errno 12] Cannot allocate memory",
                "except OSError:  # [Errno 12] Cannot allocate memory",
                "How to fix fork: Cannot allocate memory",
                "How to solve -bash: fork: Cannot allocate memory?",
                "You may see fork: Cannot allocate memory when the machine is small.",
                "If bash says fork: Cannot allocate memory, add swap.",
                "OUT_OF_ME+ is how sacct prints the state",
                "How to fix java.lang.OutOfMemoryError: Java heap space",
                "What is java.lang.OutOfMemoryError: Metaspace?",
                "If you get java.lang.OutOfMemoryError: Java heap space, raise -Xmx.",
                "java.lang.OutOfMemoryError: Java heap space means that the heap is full.",
                "A java.lang.OutOfMemoryError can be thrown by native code, too.",
                "java.lang.OutOfMemoryError extends VirtualMachineError",
                "java.lang.OutOfMemoryError is a subclass of java.lang.VirtualMachineError.",
                "Errors such as java.lang.OutOfMemoryError must not be swallowed.",
                "class MyError extends java.lang.OutOfMemoryError {",
                "var e = new java.lang.OutOfMemoryError(\"Java heap space\");",
                "{@link java.lang.OutOfMemoryError} has the JVM's limits",
                "@see java.lang.OutOfMemoryError",
                "## java.lang.OutOfMemoryError: Java heap space",
                "Avoid java.lang.OutOfMemoryError: Java heap space by raising -Xmx",
                "Fix OutOfMemoryError: Metaspace",
                "Tips for avoiding java.lang.OutOfMemoryError: Direct buffer memory in Netty",
                "StackOverflowError and subclasses of java.lang.OutOfMemoryError",
                "OutOfMemoryError: Metaspace means that classes were loaded without end."
            })
    void isNoFailure(String text) {
        assertThat(Log.read(text).failures()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mmap: Cannot allocate memory",
                "mmap failed: Cannot allocate memory.",
                "-bash: fork: Cannot allocate memory",
                "bash: fork: Impossible d'allouer de la mémoire",
                "could not fork new process for connection: Cannot allocate memory",
                "could not fork: Cannot allocate memory",
                "Error when forking: Cannot allocate memory",
                "Can't save in background: fork: Cannot allocate memory",
                "Errno::ENOMEM: Cannot allocate memory",
                "mmap: ENOMEM: Cannot allocate memory",
                "OSError: [Errno 12] Cannot allocate memory",
                "# OSError: [Errno 12] Cannot allocate memory",
                "{\"message\":\"fork: Cannot allocate memory\",\"level\":\"error\"}",
                "RuntimeError: [Errno 12] Cannot allocate memory",
                "InternalError: Check failed: (e == cudaSuccess) is false: CUDA: out of memory",
                "CUDA: Out of memory",
                "RuntimeError('CUDA: out of memory')",
                "error=\"CUDA: out of memory\"",
                "ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer of size 4096",
                "fatal error: runtime: out of memory",
                "fatal error: runtime: out of memory\n\nruntime stack:",
                "Available memory of 0 is smaller than requested bytes of 135383040",
                "Failed to allocate memory for requested buffer of size 135383040",
                "libgomp: Out of memory allocating 4096 bytes",
                "Worker encountered java.lang.OutOfMemoryError: Java heap space",
                "Task failed due to java.lang.OutOfMemoryError: Java heap space",
                "# java.lang.OutOfMemoryError: Java heap space",
                "Uncaught java.lang.OutOfMemoryError in thread main",
                "Exception in thread \"main\" java.lang.OutOfMemoryError",
                "1234567 train gpu me 4 OUT_OF_ME+ 0:125",
                "[if-worker-1] java.lang.OutOfMemoryError: Java heap space",
                "Exception in thread \"FIX worker 1\" java.lang.OutOfMemoryError: Java heap space",
                "Exception in thread \"main\" OutOfMemoryError: Metaspace",
                "2024-01-01 12:00:00 ERROR java.lang.OutOfMemoryError: Metaspace",
                "[fix-7] mmap: Cannot allocate memory",
                "2024-05-01 10:00:00 node1 1488666 a1 main bsc32 4 OUT_OF_ME+ 0:125",
                "OUT_OF_ME+",
                "mmap: Cannot allocate memory\nHugeTLB: 0 pages",
                "I see CUDA error: out of memory",
                "May 12 10:00:00 gpu1 train[77]: java.lang.OutOfMemoryError: Java heap space"
            })
    void isOne(String text) {
        assertThat(OutOfMemory.read(text)).isPresent();
    }
}
