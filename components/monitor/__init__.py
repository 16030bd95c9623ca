"""The monitor stage: are the service, its data and its model still what they were? Is a new model due?"""
