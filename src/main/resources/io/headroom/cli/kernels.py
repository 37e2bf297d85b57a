"""Lists the Java kernelspecs and, with --start, starts each one and runs a cell in it. Prints one JSON list."""
import concurrent.futures
import json
import sys

try:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import start_new_kernel
except ImportError as e:
    print(json.dumps({"error": f"jupyter_client is not installed: {e}"}))
    sys.exit(0)


def started(name):
    try:
        manager, client = start_new_kernel(kernel_name=name, startup_timeout=60)
    except Exception as e:
        return False, f"{type(e).__name__}: {e}"
    try:
        printed = []

        def hear(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = client.execute_interactive('System.out.print("headroom")', timeout=60, output_hook=hear)
        if reply["content"]["status"] != "ok":
            return False, reply["content"].get("evalue", "the cell failed")
        return ("headroom" in "".join(printed)), "" if printed else "the cell printed nothing"
    except Exception as e:
        return False, f"{type(e).__name__}: {e}"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


specs = {n: s for n, s in KernelSpecManager(ensure_native_kernel=False).get_all_specs().items() if s["spec"].get("language") == "java"}
kernels = [{"name": n, "display_name": s["spec"]["display_name"], "folder": s["resource_dir"]} for n, s in sorted(specs.items())]
if "--start" in sys.argv[1:]:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for kernel, (ok, error) in zip(kernels, pool.map(lambda k: started(k["name"]), kernels)):
            kernel["starts"] = ok
            if error:
                kernel["error"] = error
print(json.dumps(kernels))
