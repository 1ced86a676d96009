// out = epilogue(x w) for GPUs.
#import linear/bindings.wgsl
#import shared/gemm_gpu.wgsl
