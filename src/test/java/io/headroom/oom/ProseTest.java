package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProseTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "I read that out of memory errors are common. My notebook is slow, why?",
                "Out of memory errors are a pain.",
                "How much memory? Error bars are missing in the plot.",
                "I see many CUDA out of memory errors in forums.",
                "what is a memory error anyway",
                "Tips: how to avoid out of memory errors in Jupyter",
                "WARN Java heap space is at 40%",
                "INFO handler for java.lang.OutOfMemoryError installed",
                "} catch (java.lang.OutOfMemoryError e) {",
                "catch (const std::bad_alloc& e)",
                "throw std::bad_alloc();",
                "the query returned 137 rows",
                "loss value 137.25",
                "opcode: 137",
                "HTTP status: 137.0",
                "request failed with HTTP status 137",
                "status 137 of 500 done",
                "value: 137",
                "Java heap space: 512 MB used of 2048 MB",
                "GC notification: Java heap space (Old Gen) at 45 %",
                "    CUDA_ERROR_OUT_OF_MEMORY                  = 2,",
                "    VK_ERROR_OUT_OF_DEVICE_MEMORY = -2,",
                "        case cudaErrorMemoryAllocation: return \"out of memory\";",
                "I0301 10:00:00 oom-kill event listener registered for /kubepods/pod1",
                "- Fixed a crash (SIGKILL, exit code 137) when the container was small",
                "Q: What does \"MPS backend out of memory\" mean?",
                "ORA-04031: unable to allocate 4160 bytes of shared memory",
                "Jobs: 5 Killed",
                "The villain was Killed in act 5",
                "A pod may be OOMKilled when its limit is low."
            })
    void proseIsNoError(String text) {
        assertThat(Log.read(text).failures()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Process finished with exit code 137 (interrupted by signal 9: SIGKILL)",
                "Exited (137) 3 minutes ago",
                "    Exit Code:    137",
                "{\"State\": {\"Status\": \"exited\", \"ExitCode\": 137}}",
                "exitCode=137",
                "The command '/bin/sh -c python train.py' returned a non-zero code: 137",
                "Process 'command 'java'' finished with non-zero exit value 137",
                "npm ERR! errno 137: Exit status 137",
                "./run.sh: line 3:  4711 Killed                  python train.py",
                "[1]+  Killed                  python train.py",
                "[1]+  4711 Killed                  python train.py",
                "zsh: killed     python train.py",
                "$ python train.py\nKilled",
                "Killed"
            })
    void whatAKilledProcessLeavesIsOne(String text) {
        assertThat(OutOfMemory.read(text).map(OutOfMemory::allocator)).contains(Backend.OOM_KILLER);
    }

    @Test
    void theExceptionIsOneHoweverItStands() {
        assertThat(OutOfMemory.read("MemoryError").map(OutOfMemory::wording)).contains(Wording.PYTHON);
        assertThat(OutOfMemory.read("Traceback (most recent call last):\n  x = [0] * 10**12\nMemoryError\n")
                        .map(OutOfMemory::wording))
                .contains(Wording.PYTHON);
    }
}
